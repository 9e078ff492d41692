// The gradient through subtracting the batch mean, for any upstream gradient, as the batch grows.

const uniform = uniforms(1463); // its mean falls step by step as the batch grows
const NOISE = Array.from({ length: 1024 }, () => 4 * uniform() - 2);
const RULES = {
  random: (j) => NOISE[j - 1],
  single: (j) => (j === 1 ? 1 : 0),
  alternating: (j) => (j % 2 ? 1 : -1),
  halving: (j) => 2 ** (1 - j),
  constant: () => 1,
  share: (j, n) => 1 / n,
};

/** The upstream gradients ∂L/∂y₁ ... ∂L/∂yₙ. */
export const arriving = ({ upstream, shift }, n) =>
  Array.from({ length: n }, (_, i) => RULES[upstream](i + 1, n) + shift);

/** What the layer y = γ (x − mean) + β passes on to x₁, and what a layer without the mean would. */
export function passed(state, n) {
  const dy = arriving(state, n);
  const sum = dy.reduce((a, b) => a + b, 0);
  const plain = state.gamma * dy[0];
  const dx = state.gamma * (dy[0] - sum / n);
  return { n, dy, sum, mean: sum / n, plain, dx, lost: plain - dx };
}

const round = (v) => +v.toFixed(3) || 0;
export const short = (v) => typeset(round(v));

/** The gradient as an equation, [look, words] for each of its parts, rounded so that it adds up; and how much that is. */
export function spell({ gamma }, { dy, mean, plain, dx }) {
  const [plainly, lost] = [dy[0], mean].map((v) => round(gamma * round(v)));
  return {
    line: [["b", "∂L/∂x₁"], ["", " = γ ("], ["a", "∂L/∂y₁"], ["", " − "], ["c", "mean"],
      ["", `) = ${short(gamma)} · (`], ["a", short(dy[0])], ["", mean < 0 ? " + " : " − "],
      ["c", short(Math.abs(mean))], ["", ") = "], ["b", short(plainly - lost)]],
    notes: plain ? `${typeset(+((100 * dx) / plain).toFixed(1))}% of γ ∂L/∂y₁ reaches x₁.` : "γ ∂L/∂y₁ is 0.",
  };
}
