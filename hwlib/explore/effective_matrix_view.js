// X and X̃ as numbers, one below the other, and their columns as arrows.

const CONTROLS = {
  scale1: ["feature 1 ×", { type: "range", min: 0.1, max: 1.2, step: 0.01 }],
  scale2: ["feature 2 ×", { type: "range", min: 0.1, max: 1.2, step: 0.01 }],
  keep: ["keep k", { type: "range", min: 0.1, max: 0.9, step: 0.01 }],
  X: ["data X in the first units, one row per example", { type: "text", more: true }],
};
const [CELL, ROW, SIDE] = [68, 30, 54]; // width and height of a matrix's entry; of what is left of it
const MOST = 1.2; // times a column that is pulled
const TALL = 316; // height of the picture on a desktop

/** The two matrices with the lengths of their columns: below each other, or side by side. Their height. */
function grids(svg, { before, after, norms, then, gamma }, wide) {
  const g = layer(svg, "g", "matrix-grids");
  g.setAttribute("class", "matrix-grids explore-cells");
  g.replaceChildren();
  const write = (x, y, text, kind = "") => add(g, "text", { x, y, class: kind }, text);
  const cell = wide ? CELL : 56;
  const grid = (left, top, names, rows, kind, lengths) => {
    const middle = (j) => left + (j + 0.5) * cell;
    names.forEach((name, j) => write(middle(j), top - 10, name, kind));
    rows.forEach((row, i) => row.forEach((v, j) => {
      const box = add(g, "g", { class: kind === "after" ? "output" : kind, transform: `translate(${left + j * cell} ${top + i * ROW})` });
      add(box, "rect", { width: cell, height: ROW });
      add(box, "text", { x: cell / 2, y: ROW / 2 }, short(v));
    }));
    const foot = top + rows.length * ROW + 17;
    lengths.forEach((length, j) => write(middle(j), foot, short(length), `bold ${kind}`));
    return { middle, foot };
  };
  const first = grid(SIDE, 22, ["x₁", "x₂"], before, "before", norms);
  const under = first.foot + (wide ? 26 : 24);
  write(0, first.foot, "length", "name");
  gamma.forEach((c, j) => {
    const x = first.middle(j);
    if (wide) add(g, "path", { class: "matrix-down", d: `M${x - 26} ${under - 13}v24m-5 -6l5 6l5 -6` });
    write(wide ? x - 16 : x, under, `÷ ${short(c)}`, wide ? "name" : "");
  });
  const [left, top] = wide ? [SIDE, under + 40] : [SIDE + 2 * cell + 66, 22];
  if (!wide) write(SIDE + 2 * cell + 33, 22 + (before.length * ROW) / 2, "→");
  const second = grid(left, top, ["x̃₁", "x̃₂"], after, "after", then);
  if (wide) write(0, second.foot, "length", "name");
  return (wide ? second.foot : under) + 14;
}

function draw(state, { svg, line, notes }) {
  const result = effective(state);
  const { norms, then, angle } = result;
  const words = spell(result);
  line.textContent = words.line;
  notes.textContent = words.notes.join("\n");
  svg.setAttribute("aria-label", `X and X̃ as numbers, their columns as arrows. ${words.line} ${words.notes.join(" ")}`);

  const wide = matchMedia("(min-width: 40rem)").matches;
  const tables = layer(svg, "g", "matrix-tables");
  const high = grids(tables, result, wide);
  const [width, tall] = wide ? [500, Math.max(TALL, high)] : [360, 250]; // of the arrows
  tables.setAttribute("transform", `translate(0 ${wide ? 0 : tall + 6})`);
  svg.setAttribute("viewBox", wide ? `0 0 724 ${tall}` : `0 0 360 ${tall + 6 + high}`);
  svg.setAttribute("width", wide ? 724 : 400);

  // Room for whatever can be pulled to, so that nothing is scaled anew meanwhile.
  const own = [0, 1].map((j) => norms[j] / [state.scale1, state.scale2][j]);
  const long = own.map((n, j) => Math.max(MOST * n, norms[j], then[j], 3));
  const { unit, x, y } = fitting(long, Math.max(3, then[0]), angle, width, tall);
  const foot = (wide ? 724 - width : 0) + x;
  const arrows = layer(svg, "g", "matrix-columns");
  arrows.setAttribute("transform", `translate(${foot} ${y})`);
  fan(arrows, result, unit, Math.max(norms[0], then[0]) * unit + x + 64 < width);
  const head = layer(svg, "g", "matrix-head");
  head.setAttribute("transform", `translate(${wide ? 394 : 0} 16)`);
  head.replaceChildren();
  add(head, "text", { class: "before" }, "X: lengths depend on the units");
  add(head, "text", { class: "after", y: 21 }, `X̃: every column has length ${short(then[0])}`);

  return (px, py, held) => { // a pull counts along the arrow
    const j = held.at(-1) - 1;
    const turn = j ? angle : 0;
    const length = ((px - foot) * Math.cos(turn) - (py - y) * Math.sin(turn)) / unit;
    return { [held]: Math.max(0.1, Math.min(MOST, length / own[j])) };
  };
}

const FIGURE = {
  title: "The data that dropout sees",
  invite: "Stretch x₁ by its tip, as a change of unit does: the green arrows stay.",
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
