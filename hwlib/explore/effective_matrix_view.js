// X and X̃ in one picture: as numbers, as points (the rows) and as arrows (the columns).

const CONTROLS = {
  X: ["data X, one row per example", { type: "text" }],
  scale1: ["feature 1 times", { type: "range", min: 0.1, max: 1.5, step: 0.01 }],
  scale2: ["feature 2 times", { type: "range", min: 0.1, max: 1.5, step: 0.01 }],
  keep: ["keep k", { type: "range", min: 0.1, max: 0.9, step: 0.01 }],
};
const [CELL, ROW] = [54, 28]; // width and height of a matrix's entry
const GRIDS = 4 * CELL + 48; // width of both matrices
const SIDE = 150; // of the panel of the rows

/** The two matrices, X to be edited, with the norms of their columns below. */
function grids(svg, { X, scale1, scale2 }, { after, norms, then }) {
  const g = layer(svg, "g", "matrix-grids");
  g.setAttribute("class", "matrix-grids explore-cells");
  g.replaceChildren();
  const write = (x, y, text, kind = "") => add(g, "text", { x, y, class: kind, "font-size": 14 }, text);
  const grid = (left, title, rows, kind, feet, edit) => {
    write(left, 12, title, "name");
    rows.forEach((row, i) => row.forEach((v, j) => {
      const cell = add(g, "g", {
        class: kind, transform: `translate(${left + j * CELL} ${24 + i * ROW})`, ...(edit && { "data-cell": `X ${i} ${j}` }),
      });
      add(cell, "rect", { width: CELL, height: ROW });
      add(cell, "text", { x: CELL / 2, y: ROW / 2, "font-size": 13.5 }, tidy(v));
    }));
    feet.forEach((texts, k) => texts.forEach((text, j) =>
      write(left + (j + 0.5) * CELL, 24 + (rows.length + k + 0.6) * ROW, text, k ? "bold" : "")));
  };
  grid(0, "X: click a number", X, "before", [[scale1, scale2].map((s) => `× ${tidy(s)}`), norms.map(tidy)], true);
  grid(2 * CELL + 48, "X̃", after, "output", [["", ""], then.map(tidy)]);
  write(2 * CELL + 24, 24 + (X.length + 0.6) * ROW, "times");
  write(2 * CELL + 24, 24 + (X.length + 1.6) * ROW, "norm", "bold");
}

/** Each example as a point before and after; lines join the two. */
function points(svg, { before, after }, X, Y) {
  const g = layer(svg, "g", "matrix-points");
  g.replaceChildren();
  add(g, "text", { x: SIDE, y: Y(0) - 4, class: "end" }, "feature 1");
  add(g, "text", { x: X(0) + 4, y: 37 }, "feature 2");
  before.forEach(([a, b], i) => {
    const [c, d] = after[i];
    add(g, "path", { d: `M${X(a)} ${Y(b)}L${X(c)} ${Y(d)}` });
    add(g, "circle", { cx: X(c), cy: Y(d), r: 6, class: "after" });
    add(g, "circle", { cx: X(a), cy: Y(b), r: 6, class: "before", "data-grip": `row ${i}` });
  });
}

function draw(state, { svg, line, notes }) {
  const result = effective(state);
  const { before, after, norms, then, angle } = result;
  const words = spell(result);
  line.textContent = words.line;
  notes.textContent = words.notes.join("\n");
  svg.setAttribute("aria-label", "The rows of X and of X̃ as points, their columns as arrows. " +
    `${words.line} ${words.notes.slice(2).join(". ")}`);

  grids(svg, state, result);
  const wide = matchMedia("(min-width: 40rem)").matches;
  const high = 24 + (state.X.length + 2) * ROW; // of the grids
  const [left, top] = wide ? [(GRIDS - SIDE) / 2, high + 14] : [GRIDS + 10, 0]; // of the rows
  const [foot, below] = [wide ? GRIDS + 20 + FAN / 2 : (GRIDS + 10 + SIDE) / 2, // of the arrows
    FOOT + (wide ? 0 : Math.max(high, SIDE + 26) + 12)];
  svg.setAttribute("viewBox", wide ? `-2 0 ${GRIDS + 24 + FAN} ${Math.max(top + SIDE + 28, below + 28)}`
    : `-2 0 ${GRIDS + SIDE + 14} ${below + 28}`);
  svg.setAttribute("width", 780);

  const own = [0, 1].map((j) => norms[j] / [state.scale1, state.scale2][j]); // norms in the first units
  const most = (matrices, ...more) => 1.08 * Math.max(...matrices.flat(2).map(Math.abs), ...more);
  const far = most([state.X, before, after], 3); // of the points, and of the arrows:
  const long = most([norms, then], 3, ...own.map((n) => 1.05 * n));
  const panel = layer(svg, "g", "matrix-plane");
  panel.setAttribute("transform", `translate(${left} ${top})`);
  const { X, Y, invert } = axes(panel, {
    x: [-far, far], y: [-far, far], xlabel: "", ylabel: "", width: SIDE, height: SIDE + 26,
    margin: { left: 0, right: 0, top: 26, bottom: 0 },
  });
  for (const text of panel.querySelectorAll(".plot-axes text")) text.remove(); // the numbers stand in the grids
  const zero = layer(panel, "path", "matrix-zero");
  zero.setAttribute("d", `M${X(-far)} ${Y(0)}H${X(far)}M${X(0)} ${Y(-far)}V${Y(far)}`);
  const title = (parent, x, text) => {
    const name = layer(parent, "text", "matrix-title");
    for (const [key, value] of Object.entries({ x, y: 14 })) name.setAttribute(key, value);
    name.textContent = text;
  };
  title(panel, SIDE / 2, "rows: the examples");
  points(panel, result, X, Y);

  const unit = fitting(long, then[0], angle);
  const arrows = layer(svg, "g", "matrix-columns");
  arrows.setAttribute("transform", `translate(${foot} ${below})`);
  title(layer(arrows, "g", "matrix-head"), 0, "columns: the features");
  layer(arrows, "g", "matrix-head").setAttribute("transform", `translate(0 ${-FOOT})`);
  fan(arrows, result, unit);

  return (px, py, held) => {
    const [kind, index] = held.startsWith("row") ? held.split(" ") : [held.slice(0, -1), held.at(-1) - 1];
    if (kind === "row") {
      const [a, b] = invert(px - left, py - top);
      const moved = state.X.map((row) => [...row]);
      moved[index] = [a / state.scale1, b / state.scale2].map((v) => +v.toFixed(1));
      return { X: moved };
    }
    const turn = ((index ? 1 : -1) * angle) / 2; // a pull counts along the arrow
    const [x, y] = [px - foot, py - below];
    const half = HEAD[kind] / 2; // what is held is the middle of the head
    const length = Math.max(0, x * Math.sin(turn) - y * Math.cos(turn) + half) / unit;
    if (kind === "scale") return { [held]: Math.max(0.1, Math.min(1.5, length / own[index])) };
    return { keep: Math.max(0.1, Math.min(0.9, length ** 2 / (1 + length ** 2))) };
  };
}

const FIGURE = {
  title: "The data that dropout sees",
  invite: "Pull at the arrow x₁: the filled arrows, of X̃, stay. Play raises k, and they grow.",
  controls: CONTROLS,
  presets: {
    "Another unit: X̃ stays": { scale1: 0.2, scale2: 1 },
    "Keep half: norm 1": { scale1: 1, scale2: 1, keep: 0.5 },
    "Keep 0.9: norm 3": { scale1: 1, scale2: 1, keep: 0.9 },
  },
  play: {
    first: () => ({ keep: 0.1 }),
    next: ({ keep }) => (keep < 0.9 ? { keep: +Math.min(0.9, keep + 0.02).toFixed(2) } : null),
    every: 90,
  },
  draw,
};

export default { render: (context) => editable(explore(context, FIGURE)) };
