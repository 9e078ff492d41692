// X and X̃ in one picture: as numbers, as points (the rows) and as arrows (the columns).

const CONTROLS = {
  X: ["data X, one row per example", { type: "text" }],
  scale1: ["feature 1 times", { type: "range", min: 0.1, max: 1.5, step: 0.05 }],
  scale2: ["feature 2 times", { type: "range", min: 0.1, max: 1.5, step: 0.05 }],
  keep: ["keep k", { type: "range", min: 0.1, max: 0.9, step: 0.01 }],
};
const [CELL, ROW] = [50, 28]; // width and height of a matrix's entry
const SIDE = 200; // of each of the two panels
const HEAD = { scale: 11, keep: 15 }; // how long the heads of the arrows of X and of X̃ are
const tidy = (v) => typeset(+v.toPrecision(3));

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
  write(2 * CELL + 24, 24 + (X.length + 0.6) * ROW, "unit");
  write(2 * CELL + 24, 24 + (X.length + 1.6) * ROW, "norm", "bold");
}

/** Each example as a point before and after; lines join the two. */
function points(svg, { before, after }, X, Y) {
  const g = layer(svg, "g", "matrix-points");
  g.replaceChildren();
  before.forEach(([a, b], i) => {
    const [c, d] = after[i];
    add(g, "path", { d: `M${X(a)} ${Y(b)}L${X(c)} ${Y(d)}` });
    add(g, "circle", { cx: X(c), cy: Y(d), r: 6, class: "after" });
    add(g, "circle", { cx: X(a), cy: Y(b), r: 6, class: "before", "data-grip": `row ${i}` });
  });
}

/** The columns as arrows in the plane that they span, with true lengths and angle. */
function fan(svg, { norms, then, angle }, unit) {
  const g = layer(svg, "g", "matrix-fan");
  g.replaceChildren();
  add(g, "circle", { class: "fan-same", r: then[0] * unit });
  for (const [lengths, kind, grip] of [[then, "after", "keep"], [norms, "before", "scale"]])
    lengths.forEach((length, j) => {
      const turn = ((j ? 1 : -1) * angle) / 2;
      const arrow = add(g, "g", { class: `fan-${kind}`, transform: `rotate(${(turn / Math.PI) * 180})` });
      const tip = -length * unit;
      const head = HEAD[grip];
      add(arrow, "path", { class: "fan-shaft", d: `M0 0V${Math.min(0, tip + head)}` });
      add(arrow, "path", { class: "fan-head", d: `M0 ${tip}l${head / 2.2} ${head}h${-head / 1.1}z`, "data-grip": `${grip}${j + 1}` });
      const [x, y] = [-tip * Math.sin(turn), tip * Math.cos(turn)];
      // The longer one's name stands over its tip, the shorter one's beside it, lower.
      const longer = (kind === "after") === (then[j] > norms[j]);
      const [side, edge] = [j ? "right" : "left", SIDE / 2 - 22];
      const place = longer ? { x: Math.max(-edge, Math.min(edge, x)), y: y - 8, class: `fan-name ${kind}` }
        : { x: x + (j ? 9 : -9), y: y + 14, class: `fan-name ${side} ${kind}` };
      add(g, "text", place,
        `${kind === "after" ? ["x̃₁", "x̃₂"][j] : ["x₁", "x₂"][j]}: ${tidy(length)}`);
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
  const [left, top] = wide ? [4 * CELL + 78, 0] : [0, high + 22];
  svg.setAttribute("viewBox", wide ? `-2 0 ${left + 2 * SIDE + 24} ${Math.max(high, SIDE + 26)}`
    : `-2 0 ${2 * SIDE + 22} ${top + SIDE + 26}`);
  svg.setAttribute("width", 780);

  const own = [0, 1].map((j) => norms[j] / [state.scale1, state.scale2][j]); // norms in the first units
  const most = (matrices, ...more) => 1.08 * Math.max(...matrices.flat(2).map(Math.abs), ...more);
  const far = most([state.X, before, after], 3); // of the points, and of the arrows:
  const long = most([norms, then], 3, ...own.map((n) => 1.15 * n));
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

  const [foot, unit] = [SIDE * 0.86, (SIDE * 0.8) / long]; // of the arrows
  const arrows = layer(svg, "g", "matrix-columns");
  arrows.setAttribute("transform", `translate(${left + 1.5 * SIDE + 20} ${top + 26 + foot})`);
  title(layer(arrows, "g", "matrix-head"), 0, "columns: the features");
  layer(arrows, "g", "matrix-head").setAttribute("transform", `translate(0 ${-26 - foot})`);
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
    const [x, y] = [px - left - 1.5 * SIDE - 20, py - top - 26 - foot];
    const half = HEAD[kind] / 2; // what is held is the middle of the head
    const length = Math.max(0, x * Math.sin(turn) - y * Math.cos(turn) + half) / unit;
    if (kind === "scale") return { [held]: Math.max(0.1, Math.min(1.5, length / own[index])) };
    return { keep: Math.max(0.1, Math.min(0.9, length ** 2 / (1 + length ** 2))) };
  };
}

const FIGURE = {
  title: "The data that dropout sees",
  invite: "Pull at the arrow x₁ or move an example (hollow dots). The filled ones are X̃.",
  controls: CONTROLS,
  presets: {
    "Another unit: X̃ stays": { scale1: 0.2, scale2: 1 },
    "Keep half: norm 1": { scale1: 1, scale2: 1, keep: 0.5 },
    "Keep 0.9: norm 3": { scale1: 1, scale2: 1, keep: 0.9 },
  },
  draw,
  look: "explore-stacked",
};

export default { render: (context) => editable(explore(context, FIGURE)) };
