// The expected loss of one example under dropout: where it is least, and how SGD gets there.

/** The step size of SGD: it falls with the largest input that a mask makes. */
export const stepSize = ({ x1, x2, p }) => (0.1 * (1 - p)) / (x1 * x1 + x2 * x2);

/** The way of SGD from 0, a fresh mask a step; `coin` gives uniform numbers, one a feature. */
export function descend({ x1, x2, y, p, steps }, coin) {
  const rate = stepSize({ x1, x2, p });
  let w = [0, 0];
  const way = [w];
  for (let i = 0; i < steps; i++) {
    const seen = [x1, x2].map((x) => (coin() < p ? 0 : x / (1 - p)));
    const error = y - seen[0] * w[0] - seen[1] * w[1];
    w = w.map((v, j) => v + 2 * rate * error * seen[j]);
    way.push(w);
  }
  return way;
}

/**
 * Where the expected loss is least, and what it is made of there. `parts` are the contributions
 * x1 w1 and x2 w2; in them the penalty is the same for both, `variance` times the squares.
 */
export function solve({ x1, x2, y, p }) {
  const variance = p / (1 - p);
  const norm = x1 * x1 + x2 * x2;
  const shortest = [x1, x2].map((x) => (y * x) / norm);
  const limit = [x1, x2].map((x) => y / 2 / x);
  const w = p ? [x1, x2].map((x) => y / (2 + variance) / x) : shortest;
  const parts = [x1 * w[0], x2 * w[1]];
  const fit = (y - parts[0] - parts[1]) ** 2;
  const penalty = variance * (parts[0] ** 2 + parts[1] ** 2);
  return { variance, shortest, limit, w, parts, fit, penalty, loss: fit + penalty };
}

/** Lines on which the expected loss is `more` above its least: an ellipse; without dropout two. */
export function contour({ x1, x2 }, { variance, parts }, more) {
  // Over the contributions the axes of the ellipse lie at 45°, along their sum and difference.
  const across = Math.sqrt(more / 2 / (2 + variance));
  const along = variance ? Math.sqrt(more / 2 / variance) : Infinity;
  const point = (sum, difference) =>
    [(parts[0] + sum + difference) / x1, (parts[1] + sum - difference) / x2];
  if (!variance) {
    const far = 9 * (parts[0] + parts[1]);
    return [-across, across].map((s) => [point(s, -far), point(s, far)]);
  }
  return [Array.from({ length: 145 }, (_, i) => {
    const angle = (i * Math.PI) / 72;
    return point(across * Math.cos(angle), along * Math.sin(angle));
  })];
}

const short = (v) => typeset(Math.abs(v) < 1e-9 ? 0 : +v.toPrecision(4));
const pair = (w) => `(${w.map(short).join(", ")})`;

/** What is seen, in words. */
export function spell(state, { w, parts, fit, penalty, loss, shortest, limit }, end) {
  const { x1, x2, p, steps } = state;
  const product = (x, j) => `x${"₁₂"[j]}w${"₁₂"[j]} = ${typeset(x)}·${short(w[j])} = ${short(parts[j])}`;
  const line = (p ? `p = ${p}: minimum at w = ${pair(w)}` : `No dropout: smallest norm at w = ${pair(w)}`) +
    `\n${product(x1, 0)}\n${product(x2, 1)}`;
  const notes = [
    `Squared error ${short(fit)} + penalty ${short(penalty)} = loss ${short(loss)}`,
    `At p = 0: w = ${pair(shortest)}; as p → 0: ${pair(limit)}.`,
  ];
  const sgd = `SGD, ${steps} steps of size ${+stepSize(state).toPrecision(2)}: ${pair(end)}`;
  return { line, notes, sgd };
}

const CONTROLS = {
  p: ["drop rate p", { type: "range", min: 0, max: 0.9, step: 0.01 }],
  x1: ["feature x₁", { type: "range", min: 0.5, max: 10, step: 0.5 }],
  x2: ["feature x₂", { type: "range", min: 0.5, max: 10, step: 0.5 }],
  y: ["target y", { type: "range", min: 0.5, max: 20, step: 0.5 }],
  steps: ["SGD steps", { type: "range", min: 100, max: 4000, step: 100 }],
  seed: ["seed", { type: "range", min: 1, max: 20 }],
};
const [WIDTH, HEIGHT, BAR] = [300, 228, 186]; // of the plane, and the longest bar below it
const LEVELS = [0.15, 0.3, 0.45, 0.6, 0.75]; // of the contours: their squares, times y²

function draw(state, { svg, line, notes }) {
  const result = solve(state);
  const { w, parts, shortest, limit } = result;
  const way = descend(state, uniforms(state.seed));
  const words = spell(state, result, way.at(-1));
  line.textContent = words.line;
  notes.textContent = `${words.notes.join("\n")}\n`;
  add(notes, "span", { class: "explore-key" }, "minimum, p > 0");
  add(notes, "span", { class: "explore-key plot-b" }, "zero error\n");
  add(notes, "span", { class: "explore-key plot-c loss-way" }, words.sgd);
  svg.setAttribute("aria-label", `Contours of the expected loss over two weights. ${words.line}. ` +
    `${words.notes.join(". ")} ${words.sgd}.`);

  const [x, y] = [0, 1].map((j) => {
    const far = Math.max(shortest[j], limit[j]);
    return [-0.2 * far, 1.3 * far];
  });
  const { X, Y, path } = axes(svg, { x, y, xlabel: "w₁", ylabel: "w₂", width: WIDTH, height: HEIGHT });
  svg.dataset.spot = "";
  svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT + 64}`);
  svg.setAttribute("width", 330);
  const show = (key, look, lines) =>
    curve(svg, key, look, lines.map((points) => path(within(points, x, y))).join(""));
  show("loss-contours", "ink", LEVELS.flatMap((l) => contour(state, result, (l * state.y) ** 2)));
  show("loss-valley", "b", [[4, -2].map((s) => [s * limit[0], (2 - s) * limit[1]])]);
  const every = Math.ceil(way.length / 1000); // more points would not be seen
  show("loss-way", "c", [way.filter((_, i) => i % every === 0)]);
  show("loss-minima", "ink", [[limit, [0, 0]]]);
  const ends = layer(svg, "g", "loss-ends");
  ends.replaceChildren();
  for (const [[a, b], other, text] of [[shortest, limit, "p = 0"], [limit, shortest, "p → 0"]]) {
    const lower = b < other[1] || (b === other[1] && text === "p = 0");
    add(ends, "circle", { cx: X(a), cy: Y(b), r: 8 });
    add(ends, "text", { x: X(a) + 11, y: Y(b) + (lower ? 17 : -6) }, text);
  }
  dot(svg, "loss-least", "ink", X(w[0]), Y(w[1]));

  const bars = layer(svg, "g", "loss-parts"); // the two contributions
  bars.replaceChildren();
  parts.forEach((part, j) => {
    const top = HEIGHT + 22 * j;
    add(bars, "text", { x: 38, y: top + 13 }, ["x₁w₁", "x₂w₂"][j]);
    add(bars, "rect", { x: 46, y: top, width: (BAR * part) / state.y, height: 17, class: "ab"[j] });
    add(bars, "text", { x: 290, y: top + 13 }, short(part));
  });
  add(bars, "path", { d: `M${46 + BAR / 2} ${HEIGHT - 4}v50` });
  add(bars, "text", { x: 57 + BAR / 2, y: HEIGHT + 60 }, "y/2");

  return (px, py) => { // the drop rate whose minimum is nearest
    const rates = Array.from({ length: 91 }, (_, i) => i / 100);
    const gaps = rates.map((p) => {
      const [a, b] = solve({ ...state, p }).w;
      return Math.hypot(X(a) - px, Y(b) - py);
    });
    return py < HEIGHT ? { p: rates[gaps.indexOf(Math.min(...gaps))] } : {};
  };
}

const FIGURE = { title: "Expected loss under dropout", invite: "", controls: CONTROLS, draw, look: "explore-rows" };

export default { render: (context) => explore(context, FIGURE) };
