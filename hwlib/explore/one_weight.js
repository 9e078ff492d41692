// One weight under dropout: the expected loss, a parabola, is a data fit plus a penalty.

/** The two terms at a weight, and the weights where each term and the sum are least. */
export function terms({ x, y, keep, w }) {
  const fit = (y - keep * x * w) ** 2;
  const penalty = keep * (1 - keep) * x * x * w * w;
  return { fit, penalty, loss: fit + penalty, least: { fit: y / (keep * x), penalty: 0, loss: y / x } };
}

const short = (v) => typeset(Math.abs(v) < 1 ? +v.toFixed(2) : +v.toPrecision(3));

/** What is seen, in words; the line in pieces, [look, text]. */
export function spell({ w }, { fit, penalty }) {
  const [a, b, total] = addUp(fit, penalty);
  return {
    line: [["", `w = ${short(w)}: `], ["a", "data fit"], ["", ` ${a} + `], ["c", "penalty"], ["", ` ${b} = `], ["b", "sum"], ["", ` ${total}.`]],
    notes: "Data fit: (y − kxw)². Penalty: k(1−k)x²w².",
  };
}
