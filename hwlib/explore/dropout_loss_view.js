// The landscape of the expected loss: drag its minimum, and let SGD look for it.

const CONTROLS = {
  p: ["drop rate p", { type: "range", min: 0, max: 0.9, step: 0.01 }],
  x1: ["feature x₁", { type: "range", min: 0.5, max: 10, step: 0.5 }],
  x2: ["feature x₂", { type: "range", min: 0.5, max: 10, step: 0.5 }],
  y: ["target y", { type: "range", min: 0.5, max: 20, step: 0.5, more: true }],
  steps: ["SGD steps", { type: "range", min: 0, max: 4000, step: 1, more: true }],
  seed: ["seed", { type: "range", min: 1, max: 20, more: true }],
};
const LEVELS = [0.15, 0.4, 0.7]; // of the contours: their squares, times y²
const RECENT = 60; // steps of SGD that have not faded
const LAST = 0.5; // drop rate to which Play goes
const WALK = 400; // and steps of SGD

function draw(state, { svg, line, notes }) {
  const result = solve(state);
  const { w, shortest, limit } = result;
  const way = descend(state, uniforms(state.seed));
  const words = spell(state, result, way);
  line.textContent = words.line;
  notes.textContent = words.notes;
  svg.setAttribute("aria-label", `Contours of the expected loss over two weights. ${words.line} ${words.notes}`);

  // A unit is as long up as across: only so does the point nearest to 0 look nearest.
  const wide = matchMedia("(min-width: 40rem)").matches;
  const [width, height] = wide ? [530, 380] : [316, 290];
  const far = [0, 1].map((j) => Math.max(shortest[j], limit[j]));
  const margin = { ...MARGIN, top: 28 };
  const inner = [width - margin.left - margin.right, height - margin.top - margin.bottom];
  const pixel = Math.max(...far.map((v, j) => (1.5 * v) / inner[j]));
  const [x, y] = far.map((v, j) => [-1, 1].map((side) => 0.55 * v + (side * pixel * inner[j]) / 2));
  const plane = layer(svg, "g", "loss-plane");
  const { X, Y, path } = axes(plane, { x, y, xlabel: "weight w₁", ylabel: "weight w₂", width, height, margin });
  const pixels = (points) => within(points, x, y).map(([a, b]) => [X(a), Y(b)]);
  const show = (key, look, lines) =>
    curve(plane, key, look, lines.map((points) => path(within(points, x, y))).join(""));
  const contours = LEVELS.map((l) => contour(state, result, (l * state.y) ** 2));
  const valley = [4, -2].map((s) => [s * limit[0], (2 - s) * limit[1]]);
  const norm = Math.hypot(...shortest);
  const around = Array.from({ length: 181 }, (_, i) => [norm * Math.cos((i * Math.PI) / 90), norm * Math.sin((i * Math.PI) / 90)]);
  show("loss-contours", "ink", contours.flat());
  show("loss-valley", "ink", [valley]);
  show("loss-norm", "ink", state.p || state.steps ? [] : [around]); // without dropout the minimum is nearest to 0
  show("loss-minima", "ink", state.steps ? [] : [[limit, [0, 0]]]); // SGD is alone with the minimum it looks for
  const every = Math.ceil(way.length / 1000); // more points would not be seen
  show("loss-way", "c", [way.filter((_, i) => i % every === 0)]);
  show("loss-recent", "c", [way.slice(-RECENT)]);

  const ends = layer(plane, "g", "loss-ends");
  ends.replaceChildren();
  const names = layer(plane, "g", "loss-names");
  names.replaceChildren();
  const rings = [shortest, limit].map(([a, b]) => [X(a), Y(b)]); // of no dropout and almost none
  add(names, "text", { x: margin.left + inner[0] / 2, y: 14, class: "bold middle" }, "contours of the expected loss");
  const flat = limit[0] > 1.4 * limit[1];
  nameLine(names, pixels(valley), flat ? 0.02 : wide ? 0.13 : 0.07, "zero error", !wide);
  if (!state.steps) nameLine(names, pixels([limit, [0, 0]]), 0.62, wide ? "minima for p > 0" : "p > 0", true);
  if (!state.p && !state.steps && X(norm) - X(0) > 90) add(names, "text", { x: X(-0.6 * norm), y: Y(0.8 * norm) + 18 }, wide ? "same distance to 0" : "same norm");
  const least = [X(w[0]), Y(w[1])];

  if (state.p && state.p <= 0.01 && !state.steps) jump(ends, rings); // no longer once the minimum has gone on
  for (const [[a, b], other, text] of [[shortest, limit, "p = 0"], [limit, shortest, "p → 0"]].slice(0, state.steps ? 1 : 2)) {
    const lower = b < other[1] || (b === other[1] && text === "p = 0");
    add(ends, "circle", { cx: X(a), cy: Y(b), r: 10, "data-spot": text });
    add(ends, "text", lower ? { x: X(a) - 15, y: Y(b) + 12, class: "plot-end" } : { x: X(a) - 14, y: Y(b) - 9, class: "plot-end" }, text);
  }
  const mark = dot(plane, "loss-least", "ink", ...least);
  mark.setAttribute("r", 7);
  mark.dataset.grip = "minimum";
  if (rings.slice(0, state.steps ? 1 : 2).every(([a, b]) => Math.hypot(a - least[0], b - least[1]) > 30)) {
    const clear = Math.min(least[0] - 15, ...(state.steps ? pixels(way.slice(way.length >> 1)).map(([a]) => a - 10) : [])); // left of SGD's way
    const low = clear < least[0] - 15 ? 20 : 0;
    if (low) add(ends, "path", { d: `M${clear + 3} ${least[1] + low - 6}L${least[0] - 8} ${least[1] + 2}` });
    add(ends, "text", { x: clear, y: least[1] - 2 + low, class: "plot-end" }, `p = ${typeset(state.p)}`);
  }

  const inside = ([a, b]) => a >= x[0] && a <= x[1] && b >= y[0] && b <= y[1];
  const mean = settled(way);
  for (const [key, [a, b], first] of [["loss-sgd", way.at(-1), 1], ["loss-mean", mean, 20]])
    dot(plane, key, "c", X(a), Y(b)).style.display = state.steps >= first && inside([a, b]) ? "" : "none";
  layer(plane, "circle", "loss-sgd").setAttribute("r", 4);
  layer(plane, "circle", "loss-mean").setAttribute("r", 12); // seen around the minimum
  const leader = layer(plane, "g", "loss-leader");
  leader.replaceChildren();
  if (state.steps >= 20 && inside(mean)) {
    const [tx, ty] = [width - (wide ? 100 : 118), Math.max(46, Y(mean[1]) - 40)];
    add(leader, "path", { d: `M${X(mean[0]) + 12} ${Y(mean[1]) - 3}L${tx - 4} ${ty - 4}` });
    add(leader, "text", { x: tx, y: ty, class: "c" }, "SGD: mean of");
    add(leader, "text", { x: tx, y: ty + 17, class: "c" }, "its last half");
  }
  const recent = pixels(way.slice(-RECENT)).filter(([a, b]) => Number.isFinite(a + b));
  const left = Math.min(...recent.map(([a]) => a)) - 8;
  if (state.steps > 2 * RECENT && recent.length && left > margin.left + 60)
    add(leader, "text", { x: left, y: recent.reduce((sum, [, b]) => sum + b, 0) / recent.length, class: "c plot-end" }, `last ${RECENT}${left > margin.left + 104 ? " steps" : ""}`);
  plane.append(names, ends, leader, mark);

  const bar = layer(svg, "g", "loss-parts");
  bar.setAttribute("transform", wide ? "translate(580 0)" : `translate(46 ${height + 10})`);
  predictionBar(bar, state, result, wide ? height : 220);
  svg.setAttribute("viewBox", wide ? `0 0 756 ${height}` : `0 0 316 ${height + 200}`);
  svg.setAttribute("width", wide ? 756 : 316);

  return (px, py, held) => { // the drop rate whose minimum is nearest
    if (held !== "minimum") return { p: held === "p = 0" ? 0 : 0.01 };
    const rates = Array.from({ length: 91 }, (_, i) => i / 100);
    const gaps = rates.map((p) => {
      const [a, b] = solve({ ...state, p }).w;
      return Math.hypot(X(a) - px, Y(b) - py);
    });
    return { p: rates[gaps.indexOf(Math.min(...gaps))] };
  };
}

const FIGURE = {
  title: "Expected loss under dropout",
  invite: "Press Play: as soon as p leaves 0, the minimum, the dot, jumps. Then it shrinks. Or drag it.",
  controls: CONTROLS,
  presets: {
    "The jump": { p: 0.01, steps: 0 },
    Shrinking: { p: 0.5, steps: 0 },
    "SGD wanders": { p: 0.3, steps: WALK },
  },
  play: { // p grows from 0; where SGD has been shown, another walk
    first: ({ steps, seed }) => (steps ? { steps: 1, seed: (seed % 20) + 1 } : { p: 0 }),
    next: ({ p, steps }) => {
      if (steps) return steps < WALK ? { steps: Math.min(WALK, steps + (steps < 20 ? 1 : 5)) } : null;
      return p < LAST ? { p: +Math.min(LAST, p + 0.01).toFixed(2) } : null;
    },
    every: ({ p, steps }) => (steps || p > 0.01 ? 70 : 900), // the jump is seen
  },
  draw,
  look: "explore-lead",
};

export default { render: (context) => explore(context, FIGURE) };
