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

/** The mean of the second half of a way: where SGD stays, once it has got there. */
export function settled(way) {
  const half = way.slice(Math.floor(way.length / 2));
  return [0, 1].map((j) => half.reduce((sum, w) => sum + w[j], 0) / half.length);
}

const short = (v) => typeset(Math.abs(v) < 1 ? +v.toFixed(3) : +v.toPrecision(3));
const pair = (w) => `(${w.map(short).join(", ")})`;

/** What is seen, in words; `way` is SGD's. */
export function spell({ p, steps }, { w, parts, loss, shortest, limit }, way) {
  const shares = parts.map(short).join(" + ");
  const line = p ? `p = ${typeset(p)}: dropout splits the prediction evenly: ${shares}.`
    : `p = 0: no error on the whole line; the dot predicts ${shares}.`;
  const minimum = p ? `Minimum: w = ${pair(w)}, loss ${short(loss)}.\n` : "";
  const notes = minimum + (steps ? `SGD after ${steps} steps: ${pair(way.at(-1))}.\nMean of its last half: ${pair(settled(way))}.`
    : `p = 0: w = ${pair(shortest)}. p → 0: w → ${pair(limit)}.`);
  return { line, notes };
}
