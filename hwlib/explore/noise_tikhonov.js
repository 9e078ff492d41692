// Multiplicative noise in a linear model: a data fit, a penalty, and the weights that balance them.

const list = (length, f) => Array.from({ length }, (_, i) => f(i));
const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);

/** The smallest weights w with Hw = b, for a symmetric H (2, 2) that is regular or zero. */
function solve2([[a, b], [, d]], [s, t]) {
  const det = a * d - b * b;
  return det ? [(d * s - b * t) / det, (a * t - b * s) / det] : [0, 0];
}

/** The two quadratic terms of the expected loss, its minimum, and their values there. */
export function balance({ X, y, mu, sigma }) {
  const gram = (i, j) => sum(X.map((row) => row[i] * row[j]));
  const G = [[gram(0, 0), gram(0, 1)], [gram(0, 1), gram(1, 1)]];
  const Xy = [0, 1].map((j) => sum(X.map((row, i) => row[j] * y[i])));
  const fitted = G.map((row) => row.map((g) => mu * mu * g));
  const punished = [[sigma * sigma * G[0][0], 0], [0, sigma * sigma * G[1][1]]];
  const both = fitted.map((row, i) => row.map((v, j) => v + punished[i][j]));
  const w = solve2(both, Xy.map((v) => mu * v));
  const usual = solve2(G, Xy); // least squares
  const fit = sum(X.map((row, i) => (y[i] - mu * (row[0] * w[0] + row[1] * w[1])) ** 2));
  const penalty = punished[0][0] * w[0] ** 2 + punished[1][1] * w[1] ** 2;
  const rest = sum(X.map((row, i) => (y[i] - row[0] * usual[0] - row[1] * usual[1]) ** 2));
  return { fitted, punished, both, w, usual, fit, penalty, loss: fit + penalty, rest };
}

/** Points w with (w − centre)ᵀ A (w − centre) = level; none where that is no ellipse. */
export function ellipse([[a, b], [, d]], centre, level) {
  const l = Math.sqrt(a);
  const m = Math.sqrt(d - (b / l) ** 2);
  if (!(level > 0 && l > 0 && m > 0)) return [];
  return list(97, (i) => {
    const v = (Math.sqrt(level) * Math.sin((i * Math.PI) / 48)) / m;
    const u = (Math.sqrt(level) * Math.cos((i * Math.PI) / 48) - (b / l) * v) / l;
    return [centre[0] + u, centre[1] + v];
  });
}

/** The standard deviation of a Bernoulli variable that is 1 with probability `keep`. */
export const bernoulliStd = (keep) => Math.sqrt(keep * (1 - keep));

const short = (v) => typeset(+v.toPrecision(4));
const pair = (w) => `(${w.map(short).join(", ")})`;

/** What is seen, in words. */
export function spell({ noise, mu, sigma }, { w, usual, fit, penalty, loss }) {
  const where = mu || sigma ? `Minimum at w = ${pair(w)}` : "All weights have the same loss";
  const line = `${where}\ndata fit ${short(fit)} + penalty ${short(penalty)} = loss ${short(loss)}`;
  const dropout = noise === "dropout" ? `Dropout with keep probability ${short(mu)}: μ = ${short(mu)}, σ = ${short(sigma)}.\n` : "";
  const notes = dropout + (mu === 0 ? "The mean is 0, so the data fit is the same for all weights."
    : `For this μ: σ = 0 gives w = ${pair(usual.map((v) => v / mu))}; σ → ∞ gives w → (0, 0).`);
  return { line, notes };
}

const CONTROLS = {
  noise: ["noise", { type: "select", options: { any: "any distribution", dropout: "dropout" } }],
  mu: ["mean μ", { type: "range", min: 0, max: 2, step: 0.01 }],
  sigma: ["std. dev. σ", { type: "range", min: 0, max: 2, step: 0.01 }],
};
const SIDE = 190; // of each of the two panels
const PANEL = { width: SIDE, height: SIDE, margin: { left: 46, right: 6, top: 8, bottom: 44 } };
const DROPOUTS = list(61, (i) => (1 - Math.cos((i * Math.PI) / 60)) / 2).map((k) => [k, bernoulliStd(k)]);

function draw(problem, state, { svg, line, notes, inputs }) {
  const dropout = state.noise === "dropout";
  if (dropout) {
    state.mu = Math.min(state.mu, 1);
    state.sigma = bernoulliStd(state.mu);
    for (const name of ["mu", "sigma"]) {
      inputs[name].value = state[name];
      say(inputs[name], short(state[name]));
    }
  }
  inputs.sigma.disabled = dropout;
  const { mu, sigma } = state;
  const result = balance({ ...problem, mu, sigma });
  const { fitted, punished, both, w, usual, fit, penalty, rest } = result;

  // Weights: the origin is seen, and for μ from 0.6 on every minimum.
  const left = layer(svg, "g", "tikhonov-weights");
  const least = 0.4 * Math.max(...usual.map(Math.abs));
  const [x, y] = usual.map((v) => [-1.1, 1.1].map((h) => 0.6 * v + h * Math.max(Math.abs(v), least)));
  const plane = axes(left, { ...PANEL, x, y, xlabel: "w₁", ylabel: "w₂" });
  const centre = usual.map((v) => v / mu);
  const inside = (points) => plane.path(within(points, x, y));
  const show = (key, look, A, middle, levels) =>
    curve(left, key, look, levels.map((l) => inside(ellipse(A, middle, l))).join(""));
  const top = sum(problem.y.map((v) => v * v)); // the loss at w = 0
  show("tikhonov-fit", "a", fitted, centre, [fit - rest]);
  show("tikhonov-penalty", "c", punished, [0, 0], [penalty]);
  show("tikhonov-loss", "b", both, w, [0.05, 0.2].map((share) => share * top));
  const way = list(80, (i) => {
    const std = mu * Math.tan((i * Math.PI) / 160);
    return balance({ ...problem, mu, sigma: std }).w;
  });
  curve(left, "tikhonov-way", "ink", inside([...way, [0, 0]]));
  const clamp = (point) => point.map((v, j) => Math.max([x, y][j][0], Math.min([x, y][j][1], v)));
  const far = (point) => clamp(point).some((v, j) => v !== point[j]);
  const cross = ([a, b]) => `M${plane.X(a) - 5} ${plane.Y(b)}h10m-5 -5v10`;
  curve(left, "tikhonov-marks", "ink", cross([0, 0]) + (far(centre) ? "" : cross(centre)));
  const seen = clamp(w);
  const mark = dot(left, "tikhonov-least", "ink", plane.X(seen[0]), plane.Y(seen[1]));
  mark.style.visibility = mu || sigma ? "" : "hidden";

  const words = spell(state, result);
  if (far(w)) words.line += "\nIt lies outside the plot.";
  line.textContent = words.line;
  notes.textContent = `${words.notes}\n`;
  for (const [look, name] of [["a", "data fit"], ["c", "penalty"], ["b", "their sum"]])
    add(notes, "span", { class: `explore-key plot-${look}` }, name);

  // All noises, each a point: the loss depends on nothing else.
  const right = layer(svg, "g", "tikhonov-map");
  const map = axes(right, { ...PANEL, x: [0, 2], y: [0, 2], xlabel: "μ", ylabel: "σ" });
  right.setAttribute("transform", `translate(${SIDE} 0)`);
  curve(right, "tikhonov-dropouts", "ink", map.path(DROPOUTS));
  dot(right, "tikhonov-noise", "ink", map.X(mu), map.Y(sigma));
  svg.dataset.spot = "";
  svg.setAttribute("viewBox", `0 0 ${2 * SIDE} ${SIDE}`);
  svg.setAttribute("width", 2.8 * SIDE);
  svg.setAttribute("aria-label", "Over two weights, an ellipse of the data fit touches an ellipse of " +
    `the penalty at the minimum. ${words.line}. ${words.notes}`);

  return (px, py) => {
    if (px < SIDE) return {};
    const [m, s] = map.invert(px - SIDE, py).map((v) => Math.max(0, Math.min(2, v)));
    return dropout ? { mu: (1 + Math.cos(Math.atan2(s, m - 0.5))) / 2 } : { mu: m, sigma: s };
  };
}

export default {
  render(context) {
    const { model, el } = context;
    explore(context, {
      title: "Data fit and penalty", invite: "", controls: CONTROLS, look: "explore-stacked",
      draw: (state, parts) => draw({ X: model.get("X"), y: model.get("y") }, state, parts),
    });
    for (const name of ["X", "y"]) model.on(`change:${name}`, () => el.querySelector("input").oninput());
  },
};
