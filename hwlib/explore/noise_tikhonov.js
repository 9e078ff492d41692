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
  const alone = [0, 1].map((j) => Xy[j] / G[j][j]); // each feature by itself
  // At w the gradient of the penalty, which is minus that of the fit, in lengths of the fit's at weights 0.
  const pull = w.map((v, j) => (mu ? (punished[j][j] * v) / (mu * Math.hypot(...Xy)) : 0));
  return { fitted, punished, both, w, usual, alone, pull, fit, penalty, loss: fit + penalty, rest };
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

/** For the way of the minimum: noises to go along, from none on; in dropout from a little kept to all. */
export const noises = ({ noise, mu }) => noise === "dropout"
  ? list(100, (i) => ({ mu: (i + 1) / 100, sigma: bernoulliStd((i + 1) / 100) }))
  : list(201, (i) => ({ mu, sigma: i / 100 }));

const short = (v) => typeset(Math.abs(v) < 1e-9 ? 0 : +v.toPrecision(3));
const pair = (w) => `(${w.map(short).join(", ")})`;

/** What is seen, in words; the line in pieces, [look, text]. */
export function spell({ noise, mu, sigma }, { w, usual, alone, fit, penalty }) {
  const [a, b, total] = addUp(fit, penalty);
  const line = mu || sigma
    ? [["a", "Data fit"], ["", ` ${a} + `], ["c", "penalty"], ["", ` ${b} = loss ${total} at w = ${pair(w)}.`]]
    : [["", "All weights have the same loss."]];
  const notes = noise === "dropout"
    ? `μ = k scales the predictions down, so the fit asks for larger weights.\n` +
      `k = 1: w = ${pair(usual)}. k → 0: w → ${pair(alone)}.`
    : mu === 0 ? "The mean is 0, so the data fit is the same for all weights."
    : `σ = 0: w = ${pair(usual.map((v) => v / mu))}${mu === 1 ? ", least squares" : ""}.\nσ → ∞: w → (0, 0).`;
  return { line, notes };
}
