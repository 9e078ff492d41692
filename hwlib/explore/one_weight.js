// One weight under dropout: the expected loss, a parabola, is a data fit plus a penalty.

/** The two terms at a weight, and the weights where each term and the sum are least. */
export function terms({ x, y, keep, w }) {
  const fit = (y - keep * x * w) ** 2;
  const penalty = keep * (1 - keep) * x * x * w * w;
  return { fit, penalty, loss: fit + penalty, least: { fit: y / (keep * x), penalty: 0, loss: y / x } };
}

const short = (v) => typeset(Math.abs(v) < 1 ? +v.toFixed(2) : +v.toPrecision(3));

/** What is seen, in words. */
export function spell({ x, y, keep: k, w }, { fit, penalty, loss, least }) {
  return {
    line: `w = ${short(w)}: data fit ${short(fit)} + penalty ${short(penalty)} = ${short(loss)}.`,
    notes: [
      `Data fit: (y − kxw)². Penalty: k(1−k)x²w².`,
      `The sum is least at y/x = ${short(least.loss)}, whatever k is.`,
      k < 1 ? `The data fit is least at y/(kx) = ${short(least.fit)}.` : "At k = 1 the sum is the data fit.",
    ],
  };
}
