// The data matrix X, and the one on which dropout is plain ridge regression.

const dotted = (a, b) => a.reduce((total, v, i) => total + v * b[i], 0);
const column = (X, j) => X.map((row) => row[j]);

/** The matrices before and after, the norms of their columns, and the angle between the columns. */
export function effective({ X, keep, scale1, scale2 }) {
  if (!X[0].length || X[0].length !== 2)
    throw new RangeError("X needs rows of two numbers; “;” ends a row.");
  const before = X.map(([a, b]) => [scale1 * a, scale2 * b]);
  const norms = [0, 1].map((j) => Math.hypot(...column(before, j)));
  const zero = norms.indexOf(0);
  if (zero >= 0) throw new RangeError(`Column ${zero + 1} of X is zero: no factor changes its norm.`);
  const gamma = norms.map((n) => Math.sqrt((1 - keep) / keep) * n);
  const after = before.map((row) => row.map((v, j) => v / gamma[j]));
  const then = [0, 1].map((j) => Math.hypot(...column(after, j)));
  const cosine = dotted(column(before, 0), column(before, 1)) / norms[0] / norms[1];
  return { before, norms, gamma, after, then, angle: Math.acos(Math.max(-1, Math.min(1, cosine))) };
}

const short = (v) => typeset(Math.abs(v) < 1 ? +v.toFixed(2) : +v.toPrecision(3));

/** What is seen, in words. */
export const spell = ({ norms, then, gamma }) => ({
  line: `The same penalty: ${gamma.map((c, j) => `w̃${"₁₂"[j]} = ${short(c)} w${"₁₂"[j]}`).join(" and ")}.`,
  penalty: gamma.map((c, j) => `${short(c * c)} w${"₁₂"[j]}²`).join(" + "),
  lengths: `X has columns of length ${norms.map(short).join(" and ")}, X̃ both of length ${short(then[0])}.`,
});
