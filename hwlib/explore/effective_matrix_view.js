// X and X̃ side by side: numbers, and below them their columns as arrows.

const CONTROLS = {
  keep: ["keep k", { type: "range", min: 0.1, max: 0.9, step: 0.01 }],
  scale1: ["feature 1 ×", { type: "range", min: 0.1, max: 1.2, step: 0.01, more: true }],
  scale2: ["feature 2 ×", { type: "range", min: 0.1, max: 1.2, step: 0.01, more: true }],
  X: ["data X in the first units, one row per example", { type: "text", more: true }],
};
const MOST = 1.2; // times a column that is pulled
// How wide each half is, the room between them, an entry's width, and the room for arrows.
const WIDE = { half: 336, gap: 52, cell: 64, arrows: 192 };
const NARROW = { half: 168, gap: 4, cell: 48, arrows: 146 };
const TOP = 48; // for the titles

function draw(state, { svg, line, notes }) {
  const result = effective(state);
  const { before, after, norms, then, gamma, angle } = result;
  const words = spell(result);
  line.textContent = words.line;
  notes.textContent = words.notes.join("\n");
  svg.setAttribute("aria-label", `X and X̃ as numbers, their columns as arrows. ${words.line} ${words.notes.join(" ")}`);

  const wide = matchMedia("(min-width: 40rem)").matches;
  const { half, gap, cell, arrows } = wide ? WIDE : NARROW;
  // Room for whatever can be pulled to, so that nothing is scaled anew meanwhile.
  const own = [0, 1].map((j) => norms[j] / [state.scale1, state.scale2][j]);
  const place = fitting(own.map((n, j) => Math.max(MOST * n, norms[j], then[j], 3)), angle, half, arrows);
  const all = `${wide ? "every length " : "all "}√(k/(1 − k)) = ${short(then[0])}`;
  const feet = [[wide ? "length" : "", norms.map(short), "bold before"], ...(wide ? [] : [["÷", gamma.map(short), "bold"]])];
  let high; // of what stands above the arrows
  for (const [i, kind, letter, title, rows, lengths, under] of [
    [0, "before", "x", ["the data X", wide ? "lengths depend on the units" : "units matter"], before, norms, feet],
    [1, "after", "x̃", [wide ? "X̃: what dropout sees" : "dropout sees X̃", all], after, then, [[wide ? "length" : "", then.map(short), "bold after"]]],
  ]) {
    const panel = layer(svg, "g", `matrix-${kind}`);
    panel.setAttribute("class", `matrix-${kind} explore-cells`);
    panel.setAttribute("transform", `translate(${i * (half + gap)} 0)`);
    const head = layer(panel, "g", "matrix-head");
    head.replaceChildren();
    title.forEach((text, k) => add(head, "text", { x: half / 2, y: 10 + 20 * k, class: k ? kind : `bold ${kind}` }, text));
    const numbers = layer(panel, "g", "matrix-numbers");
    numbers.setAttribute("transform", `translate(0 ${TOP})`);
    high = TOP + 24 + before.length * ROW + 22 * feet.length + 6;
    table(numbers, kind, letter, rows, under, half, cell);
    fan(panel, kind, letter, lengths, angle, place, high);
  }
  const to = layer(svg, "g", "matrix-to");
  to.replaceChildren();
  if (wide) { // what each column is divided by
    const [x, y] = [half + gap / 2, TOP + 24 + (before.length * ROW) / 2];
    add(to, "path", { d: `M${x - 40} ${y}h80m-9 -7l9 7l-9 7` });
    gamma.forEach((c, j) => add(to, "text", { x, y: y + [-12, 25][j] }, `x${"₁₂"[j]} ÷ ${short(c)}`));
  }
  const width = 2 * half + gap;
  svg.setAttribute("viewBox", `0 0 ${width} ${high + arrows}`);
  svg.setAttribute("width", width);

  return (px, py, held) => { // a pull counts along the arrow
    const j = held.at(-1) - 1;
    const turn = j ? angle : 0;
    const length = ((px - place.x) * Math.cos(turn) - (py - high - place.y) * Math.sin(turn)) / place.unit;
    return { [held]: Math.max(0.1, Math.min(MOST, length / own[j])) };
  };
}

const FIGURE = {
  title: "The data that dropout sees",
  invite: "Pull at a blue tip, as a change of unit does: the green arrows stay.",
  controls: CONTROLS,
  presets: {
    "Another unit: X̃ stays": { scale1: 0.2, scale2: 1, keep: 0.8 },
    "Keep 0.5: length 1": { scale1: 1, scale2: 1, keep: 0.5 },
    "Keep 0.9: length 3": { scale1: 1, scale2: 1, keep: 0.9 },
  },
  play: { // the first feature in one unit after the other
    first: () => ({ scale1: 0.1 }),
    next: ({ scale1 }) => (scale1 < MOST ? { scale1: +Math.min(MOST, scale1 + 0.02).toFixed(2) } : null),
    every: 90,
  },
  draw,
};

export default { render: (context) => explore(context, FIGURE) };
