// What layers cost: dense, standard convolution, depthwise separable convolution; numbers and words.

/**
 * Weights and multiply-accumulates of the three layers, and of the two parts of the last one: from
 * C channels of n × n to F channels of n × n, filters of K × K, zeros around the image, no biases.
 */
export function costs({ in_channels: C, out_channels: F, kernel_size: K, side: n }) {
  const parts = { depthwise: C * K ** 2, pointwise: F * C };
  const weights = {
    dense: C * F * n ** 4,
    standard: F * C * K ** 2,
    separable: parts.depthwise + parts.pointwise,
  };
  const macs = { dense: weights.dense, standard: n ** 2 * weights.standard, separable: n ** 2 * weights.separable };
  return { weights, macs, parts, ratio: 1 / F + 1 / K ** 2 };
}

const WORDS = [[1e15, "quadrillion"], [1e12, "trillion"], [1e9, "billion"], [1e6, "million"]];
export const whole = (count) => count.toLocaleString("en");

/** A count in three digits and a word, or to the last digit where it is short. */
export function short(count) {
  const [unit, word] = WORDS.find(([least]) => count >= least) ?? [];
  return word ? `${+(count / unit).toPrecision(3)} ${word}` : whole(+count.toPrecision(6));
}

/** A ratio as a percentage in three digits, or whole from 100 on. */
export const percent = (ratio) => `${ratio < 1 ? +(100 * ratio).toPrecision(3) : Math.round(100 * ratio)}%`;

/** What the separable layer needs. */
export function spell(state) {
  const { out_channels: F, kernel_size: K } = state;
  const { ratio } = costs(state);
  const exact = Math.abs(parseFloat(percent(ratio)) / 100 - ratio) < 1e-12;
  return `1/F + 1/K² = 1/${whole(F)} + 1/${K ** 2} ${exact ? "=" : "≈"} ${percent(ratio)} of weights and MACs remain.`;
}
