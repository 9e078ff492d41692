// The gradient through subtracting the batch mean, for any upstream gradient, as the batch grows.

const RULES = {
  random: null,
  single: (j) => (j === 1 ? 1 : 0),
  alternating: (j) => (j % 2 ? 1 : -1),
  halving: (j) => 2 ** (1 - j),
  constant: () => 1,
  share: (j, n) => 1 / n,
};
const NOISE = normals(6, 1024); // its first number is 1.22

/** The upstream gradients ∂L/∂y₁ ... ∂L/∂yₙ. */
export const arriving = ({ upstream, shift }, n) =>
  Array.from({ length: n }, (_, i) => (RULES[upstream]?.(i + 1, n) ?? NOISE[i]) + shift);

/** What the layer y = γ (x − mean) + β passes on to x₁, and what a layer without the mean would. */
export function passed(state, n) {
  const dy = arriving(state, n);
  const sum = dy.reduce((a, b) => a + b, 0);
  const plain = state.gamma * dy[0];
  const dx = state.gamma * (dy[0] - sum / n);
  return { n, dy, sum, mean: sum / n, plain, dx, gap: dx - plain };
}

const short = (v) => typeset(Math.abs(v) < 5e-5 ? 0 : +v.toPrecision(3));
const signed = (v) => (v < 0 ? `(${short(v)})` : short(v));

export function spell({ gamma }, { n, dy, mean, plain, dx, gap }) {
  const shown = dy.slice(0, 4).map(short).join(", ") + (n > 4 ? ", …" : "");
  return {
    line: `Batch of ${n}, example 1:\n` +
      `γ · ∂L/∂y₁ = ${short(gamma)} · ${signed(dy[0])} = ${short(plain)}\n` +
      `∂L/∂x₁ = ${short(dx)}, difference ${short(gap)}`,
    arrives: `Upstream gradients: ${shown}\nTheir mean is ${short(mean)}.`,
  };
}

const CONTROLS = {
  upstream: ["upstream gradients ∂L/∂y₁, ∂L/∂y₂, …", { type: "select", options: {
    random: "random numbers around 0",
    single: "1, 0, 0, 0, …",
    alternating: "1, −1, 1, −1, …",
    halving: "1, ½, ¼, ⅛, …",
    constant: "1, 1, 1, 1, …",
    share: "1/n each",
  } }],
  shift: ["added to each", { type: "range", min: -1, max: 1, step: 0.25 }],
  gamma: ["scale γ", { type: "range", min: -2, max: 2, step: 0.25 }],
  doublings: ["batch size n", { type: "range", min: 0, max: 10 }],
};
const KEYS = { a: "γ · ∂L/∂y₁", b: "∂L/∂x₁", c: "difference" };
const SIZES = Array.from({ length: 1024 }, (_, i) => i + 1).filter((n) => n < 65 || n % 16 === 0);

function draw(state, { svg, line, notes, inputs }) {
  const now = passed(state, 2 ** state.doublings);
  const all = SIZES.map((n) => passed(state, n));
  const words = spell(state, now);
  say(inputs.doublings, `${now.n}`);
  line.textContent = words.line;
  notes.textContent = "";
  for (const look in KEYS) {
    add(notes, "span", { class: `explore-key plot-${look}${look === "c" ? " gap" : ""}` }, KEYS[look]);
    notes.append(" "); // where the line may break
  }
  notes.append(`\n${words.arrives}`);
  svg.dataset.spot = "";
  svg.setAttribute("aria-label", `Two curves over the batch size, from 1 to 1024. ${words.line} ` +
    `${words.arrives} At 1024: ${short(all.at(-1).plain)} and ${short(all.at(-1).dx)}.`);

  const heights = all.flatMap(({ plain, dx }) => [plain, dx]);
  const half = (v) => Math.round(2 * v) / 2; // a multiple of 0.5, a little beyond the curves
  const y = [half(Math.min(0, ...heights) - 0.3), half(Math.max(0, ...heights) + 0.3)];
  const labels = { xlabel: "batch size n", ylabel: "gradient" };
  const { X, Y, path, invert } = axes(svg, { x: [1, 1500], y, ...labels, logx: true, width: 310, height: 190 });
  curve(svg, "zero", "zero", `M${X(1)} ${Y(0)}H${X(1500)}`);
  curve(svg, "plain", "a", path(all.map(({ n, plain }) => [n, plain])));
  curve(svg, "passed", "b", path(all.map(({ n, dx }) => [n, dx])));
  curve(svg, "gap", "c", `M${X(now.n) + 8} ${Y(now.plain)}h5V${Y(now.dx)}h-5`);
  dot(svg, "dot-plain", "a", X(now.n), Y(now.plain));
  dot(svg, "dot-passed", "b", X(now.n), Y(now.dx));
  return (px, py) =>
    ({ doublings: Math.round(Math.log2(Math.max(1, Math.min(1024, invert(px, py)[0])))) });
}

const FIGURE = { title: "The gradient through a batch mean", invite: "", controls: CONTROLS, draw, look: "explore-wide" };

export default { render: (context) => explore(context, FIGURE) };
