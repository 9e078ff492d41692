// Two inputs under dropout: the four masks, what each predicts, and the average of their errors.

/** The four networks, in the order (0, 0), (0, 1), (1, 0), (1, 1), and what they average to. */
export function average({ x, y, w1, w2, keep }) {
  const terms = [x[0] * w1, x[1] * w2];
  const networks = [0, 1, 2, 3].map((index) => {
    const mask = [index >> 1, index & 1];
    const chance = mask.reduce((p, kept) => p * (kept ? keep : 1 - keep), 1);
    const prediction = mask[0] * terms[0] + mask[1] * terms[1];
    return { mask, chance, prediction, error: (y - prediction) ** 2 };
  });
  const loss = networks.reduce((sum, { chance, error }) => sum + chance * error, 0);
  return { networks, loss };
}

/** The masks of so many draws, as their numbers; `uniform` gives the coins, one a feature. */
export const toss = ({ keep, draws }, uniform) =>
  Array.from({ length: draws }, () => 2 * (uniform() >= 1 - keep) + (uniform() >= 1 - keep));

const short = (v) => typeset(Math.abs(v) < 1 ? +v.toFixed(2) : +v.toPrecision(3));

/** What is seen, in words, and the average over the draws; `drawn` are their masks. */
export function spell({ networks, loss }, drawn) {
  const line = `Average squared error ${short(loss)}; without dropout ${short(networks[3].error)}.`;
  return { line, seen: drawn.reduce((total, index) => total + networks[index].error, 0) / drawn.length };
}
