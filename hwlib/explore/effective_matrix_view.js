// X and X̃ side by side: their columns as arrows, and below them the penalty that dropout puts on the weights.

const CONTROLS = {
  keep: ["keep k", { type: "range", min: 0.1, max: 0.9, step: 0.01 }],
  scale1: ["feature 1 ×", { type: "range", min: 0.1, max: 1.2, step: 0.01, more: true }],
  scale2: ["feature 2 ×", { type: "range", min: 0.1, max: 1.2, step: 0.01, more: true }],
  X: ["data X in the first units, one row per example", { type: "text", more: true }],
};
const MOST = 1.2; // times a column that is pulled
const EDGE = 16; // beside the arrows
const FOOT = 42; // below them, for a name
const BOX = 56; // the penalty's height

function draw(state, { svg, line }) {
  const result = effective(state);
  const { norms, then, gamma, angle } = result;
  const words = spell(result);
  line.textContent = words.line;
  svg.setAttribute("aria-label", `The columns of X and X̃ as arrows. ${words.lengths} ${words.line}`);

  const wide = matchMedia("(min-width: 40rem)").matches;
  const [width, gap] = wide ? [756, 36] : [316, 48];
  const halves = wide ? [410, 310] : [width, width];
  const high = wide ? 236 : 168;
  const head = 64 + (steep(angle) ? 0 : 26); // above the arrows, for a title and a name
  // Room for whatever can be pulled to, so that nothing is scaled anew meanwhile.
  const own = [0, 1].map((j) => norms[j] / [state.scale1, state.scale2][j]);
  const pulled = reach(own.map((n, j) => Math.max(MOST * n, norms[j])), angle);
  const same = reach(then.map((n) => Math.max(n, 3)), angle); // 3 is the greatest at k = 0.9
  const room = [pulled, same];
  const unit = Math.min(...room.flatMap(({ left, right, up }, i) => [(halves[i] - 2 * EDGE) / (left + right), high / (up || 1)]));
  const most = Math.max(60, ...room.map((r) => r.up * unit));
  const up = wide ? [most, most] : room.map((r) => Math.max(60, r.up * unit));
  const tops = wide ? [0, 0] : [0, head + up[0] + FOOT + BOX + gap];
  let from; // where the blue arrows begin
  for (const [i, kind, title, lengths, names, sum, told] of [
    [0, "before", "X: the data", norms, norms.map((n, j) => `x${"₁₂"[j]}: length ${short(n)}`), words.penalty, "dropout’s penalty grows with the length"],
    [1, "after", "X̃: what dropout sees", then, gamma.map((c, j) => `x̃${"₁₂"[j]} = x${"₁₂"[j]} ÷ ${short(c)}`), "1 w̃₁² + 1 w̃₂²", "plain ridge: one strength for both"],
  ]) {
    const panel = layer(svg, "g", `matrix-${kind}`);
    panel.replaceChildren();
    panel.setAttribute("transform", `translate(${wide && i ? halves[0] + gap : 0} ${tops[i]})`);
    const half = halves[i];
    add(panel, "text", { x: 0, y: 16, class: "matrix-title" }, title);
    const x = EDGE + room[i].left * unit;
    const y = head + up[i];
    if (!i) from = { x, y };
    const arrows = add(panel, "g", { transform: `translate(${x} ${y})` });
    fan(arrows, kind, lengths, angle, unit, names, half - x);
    add(panel, "text", { x: 0, y: 39, class: "matrix-lengths" }, i ? `both of length ${short(then[0])}: k alone sets it` : "lengths depend on the units");
    const box = add(panel, "g", { class: "matrix-box", transform: `translate(0 ${y + FOOT})` });
    add(box, "rect", { width: half, height: BOX, rx: 6 });
    add(box, "text", { x: half / 2, y: 25, class: "matrix-sum" }, sum);
    add(box, "text", { x: half / 2, y: 47 }, told);
  }
  const equals = layer(svg, "text", "matrix-equals");
  const end = tops[1] + head + up[1] + FOOT + BOX;
  equals.textContent = "=";
  equals.setAttribute("x", wide ? halves[0] + gap / 2 : width / 2);
  equals.setAttribute("y", wide ? end - BOX / 2 + 8 : tops[1] - gap / 2 + 8);
  svg.setAttribute("viewBox", `0 0 ${width} ${end + 2}`);
  svg.setAttribute("width", width);

  return (px, py, held) => { // a pull counts along the arrow
    const j = held.at(-1) - 1;
    const turn = j ? angle : 0;
    const length = ((px - from.x) * Math.cos(turn) - (py - from.y) * Math.sin(turn)) / unit;
    return { [held]: Math.max(0.1, Math.min(MOST, length / own[j])) };
  };
}

const FIGURE = {
  title: "The data that dropout sees",
  invite: "Press Play: the unit of feature 1 changes, and X̃ stays. Or drag a blue tip.",
  controls: CONTROLS,
  presets: {
    "x₁ ÷ 5": { scale1: 0.2, scale2: 1, keep: 0.8 },
    "Keep half": { scale1: 1, scale2: 1, keep: 0.5 },
    "Keep 90%": { scale1: 1, scale2: 1, keep: 0.9 },
  },
  play: { // the first feature in one unit after the other
    first: () => ({ scale1: 0.1 }),
    next: ({ scale1 }) => (scale1 < MOST ? { scale1: +Math.min(MOST, scale1 + 0.02).toFixed(2) } : null),
    every: 90,
  },
  draw,
};

export default { render: (context) => explore(context, FIGURE) };
