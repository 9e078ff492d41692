// The landscape of the expected loss: drag its minimum, and let SGD look for it.

const CONTROLS = {
  p: ["drop rate p", { type: "range", min: 0, max: 0.9, step: 0.01 }],
  x1: ["feature x₁", { type: "range", min: 0.5, max: 10, step: 0.5 }],
  x2: ["feature x₂", { type: "range", min: 0.5, max: 10, step: 0.5 }],
  y: ["target y", { type: "range", min: 0.5, max: 20, step: 0.5 }],
  seed: ["seed", { type: "range", min: 1, max: 20 }],
  steps: ["SGD steps", { type: "range", min: 0, max: 4000, step: 1 }],
};
const [WIDTH, HEIGHT] = [380, 380]; // of the plane
const [LEFT, BAR] = [46, 270]; // of the bar below it: where it begins, and where the target lies
const LEVELS = [0.15, 0.3, 0.45, 0.6, 0.75]; // of the contours: their squares, times y²
const RECENT = 60; // steps of SGD that have not faded

function draw(state, { svg, line, notes }) {
  const result = solve(state);
  const { w, parts, shortest, limit } = result;
  const way = descend(state, uniforms(state.seed));
  const words = spell(state, result, way);
  line.textContent = words.line;
  notes.textContent = `${words.notes.join("\n")}\n`;
  add(notes, "span", { class: "explore-key plot-b" }, "zero error");
  add(notes, "span", { class: "explore-key loss-contours" }, "equal loss\n");
  add(notes, "span", { class: "explore-key loss-norm" }, "as long as the p = 0 weights\n");
  add(notes, "span", { class: "explore-key" }, "minimum for p > 0\n");
  add(notes, "span", { class: "explore-key plot-c loss-way" }, words.sgd);
  svg.setAttribute("aria-label", `Contours of the expected loss over two weights. ${words.line}. ` +
    `${words.notes.join(". ")} ${words.sgd}.`);

  // A unit is as long up as across: only so does the point nearest to 0 look nearest.
  const far = [0, 1].map((j) => Math.max(shortest[j], limit[j]));
  const inner = [WIDTH - MARGIN.left - MARGIN.right, HEIGHT - MARGIN.top - MARGIN.bottom];
  const pixel = Math.max(...far.map((v, j) => (1.5 * v) / inner[j]));
  const [x, y] = far.map((v, j) => [-1, 1].map((side) => 0.55 * v + (side * pixel * inner[j]) / 2));
  const { X, Y, path } = axes(svg, { x, y, xlabel: "w₁", ylabel: "w₂", width: WIDTH, height: HEIGHT });
  svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT + 54}`);
  svg.setAttribute("width", 1.25 * WIDTH);
  const show = (key, look, lines) =>
    curve(svg, key, look, lines.map((points) => path(within(points, x, y))).join(""));
  show("loss-contours", "ink", LEVELS.flatMap((l) => contour(state, result, (l * state.y) ** 2)));
  show("loss-valley", "b", [[4, -2].map((s) => [s * limit[0], (2 - s) * limit[1]])]);
  const norm = Math.hypot(...shortest);
  show("loss-norm", "ink", [Array.from({ length: 145 }, (_, i) =>
    [norm * Math.cos((i * Math.PI) / 72), norm * Math.sin((i * Math.PI) / 72)])]);
  show("loss-minima", "ink", [[limit, [0, 0]]]);
  const every = Math.ceil(way.length / 1000); // more points would not be seen
  show("loss-way", "c", [way.filter((_, i) => i % every === 0)]);
  show("loss-recent", "c", [way.slice(-RECENT)]);

  const ends = layer(svg, "g", "loss-ends");
  ends.replaceChildren();
  const jump = [shortest, limit].map(([a, b]) => [X(a), Y(b)]); // from no dropout to almost none
  const [[ax, ay], [bx, by]] = jump;
  const gap = Math.hypot(bx - ax, by - ay);
  if (gap > 40) { // an arrow from ring to ring, above the line
    const [ux, uy] = [(bx - ax) / gap, (by - ay) / gap];
    const up = [26 * Math.abs(uy), -26 * Math.abs(ux)];
    const [mx, my] = [(ax + bx) / 2 + up[0], (ay + by) / 2 + up[1]];
    const [sx, sy] = [ax + 12 * ux + up[0] / 4, ay + 12 * uy + up[1] / 4];
    const [tx, ty] = [bx - 12 * ux + up[0] / 4, by - 12 * uy + up[1] / 4];
    const barb = (turn) => `M${tx} ${ty}l${9 * Math.cos(turn)} ${9 * Math.sin(turn)}`;
    const back = Math.atan2(my - ty, mx - tx);
    add(ends, "path", { d: `M${sx} ${sy}Q${mx} ${my} ${tx} ${ty}${barb(back - 0.5)}${barb(back + 0.5)}` });
  }
  for (const [[a, b], other, text] of [[shortest, limit, "p = 0"], [limit, shortest, "p → 0"]]) {
    const lower = b < other[1] || (b === other[1] && text === "p = 0");
    add(ends, "circle", { cx: X(a), cy: Y(b), r: 9, "data-spot": text });
    add(ends, "text", { x: X(a) + 13, y: Y(b) + (lower ? 17 : -7) }, text);
  }
  const least = [X(w[0]), Y(w[1])];
  dot(svg, "loss-least", "ink", ...least).dataset.grip = "minimum";
  if (jump.every(([a, b]) => Math.hypot(a - least[0], b - least[1]) > 26))
    add(ends, "text", { x: least[0] - 12, y: least[1] - 8, class: "plot-end" }, `p = ${typeset(state.p)}`);
  if (!state.steps) add(ends, "text", { x: X(0) - 10, y: Y(0) + 15, class: "plot-end" }, "SGD");
  const inside = ([a, b]) => a >= x[0] && a <= x[1] && b >= y[0] && b <= y[1];
  for (const [key, [a, b], from] of [["loss-sgd", way.at(-1), 0], ["loss-mean", settled(way), 20]])
    dot(svg, key, "c", X(a), Y(b)).style.display = state.steps >= from && inside([a, b]) ? "" : "none";
  layer(svg, "circle", "loss-sgd").setAttribute("r", 4); // the minimum is seen around it

  const bars = layer(svg, "g", "loss-parts"); // the two contributions, one behind the other
  bars.replaceChildren();
  let from = LEFT;
  add(bars, "text", { x: LEFT, y: HEIGHT + 14 }, "prediction at the minimum: x₁w₁ + x₂w₂");
  parts.forEach((part, j) => {
    const width = (BAR * part) / state.y;
    add(bars, "rect", { x: from, y: HEIGHT + 22, width, height: 24, class: "ab"[j] });
    if (width > 36) add(bars, "text", { x: from + width / 2, y: HEIGHT + 39, class: "middle" }, short(part));
    from += width;
  });
  add(bars, "path", { d: `M${LEFT + BAR} ${HEIGHT + 18}v32` });
  add(bars, "text", { x: LEFT + BAR + 6, y: HEIGHT + 39 }, `y = ${typeset(state.y)}`);

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
  invite: "Drag the dot from one ring to the other, or press Play to let SGD look for the minimum.",
  controls: CONTROLS,
  presets: {
    "p = 0.01: the minimum jumps": { p: 0.01 },
    "p = 0.5: it shrinks": { p: 0.5 },
    "p = 0.3: SGD wanders": { p: 0.3, steps: 400 },
  },
  play: { // another walk each time
    first: ({ seed }) => ({ steps: 0, seed: (seed % 20) + 1 }),
    next: ({ steps }) => (steps < 400 ? { steps: steps + (steps < 20 ? 1 : 4) } : null),
    every: 60,
  },
  draw,
  look: "explore-lead explore-beside",
};

export default { render: (context) => explore(context, FIGURE) };
