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
  upstream: ["upstream gradients ∂L/∂yⱼ", { type: "select", options: {
    random: "random numbers around 0",
    single: "1, 0, 0, 0, …",
    alternating: "1, −1, 1, −1, …",
    halving: "1, ½, ¼, ⅛, …",
    constant: "1, 1, 1, 1, …",
    share: "1/n each",
  } }],
  shift: ["added to each", { type: "range", min: -1, max: 1, step: 0.05 }],
  gamma: ["scale γ", { type: "range", min: -2, max: 2, step: 0.25 }],
  doublings: ["batch size n", { type: "range", min: 0, max: 10 }],
};
const KEYS = { a: "γ · ∂L/∂y₁", b: "∂L/∂x₁", c: "difference" };
const SIZES = Array.from({ length: 1024 }, (_, i) => i + 1).filter((n) => n < 65 || n % 16 === 0);
const [WIDTH, ABOVE, BELOW] = [340, 176, 178]; // heights of the batch and of the curves
const ENDS = [0.8, 1500]; // of the axis that both share: examples and batch sizes
const half = (v) => Math.round(2 * v) / 2; // a multiple of 0.5

/** The ends of an axis for these values and 0, a little beyond them. */
const around = (values) => [half(Math.min(0, ...values) - 0.3), half(Math.max(0, ...values) + 0.3)];

function draw(state, { svg, line, notes, inputs }) {
  const now = passed(state, 2 ** state.doublings);
  const all = SIZES.map((n) => passed(state, n));
  const words = spell(state, now);
  say(inputs.doublings, `${now.n}`);
  line.textContent = words.line;
  notes.textContent = words.arrives;
  svg.setAttribute("aria-label", `Above, the upstream gradients of the batch and their mean; below, two ` +
    `curves over the batch size, from 1 to 1024. ${words.line} ${words.arrives} ` +
    `At 1024: ${short(all.at(-1).plain)} and ${short(all.at(-1).dx)}.`);

  const panel = (name, top, height, y, xlabel, ylabel) => {
    const g = layer(svg, "g", name);
    g.setAttribute("transform", `translate(0 ${top})`);
    const margin = { left: 46, right: 8, top: 8, bottom: 36 };
    return [g, axes(g, { x: ENDS, y, xlabel, ylabel, logx: true, width: WIDTH, height, margin })];
  };
  // The batch, one dot an example. Its axis has room for every size and shift: an axis that moved with
  // the mean would run away from the finger that drags it.
  const most = [1, 1024].flatMap((n) => arriving({ ...state, shift: 0 }, n)).flatMap((v) => [v - 1, v + 1]);
  const [batch, { X, Y, invert }] = panel("demean-batch", 0, ABOVE, around(most), "example j", "∂L/∂yⱼ");
  curve(batch, "zero", "zero", `M${X(ENDS[0])} ${Y(0)}H${X(ENDS[1])}`);
  curve(batch, "demean-dots", "point plot-a", now.dy.map((v, i) => `M${X(i + 1).toFixed(2)} ${Y(v).toFixed(2)}h.01`).join(""));
  curve(batch, "demean-mean", "c", `M${X(ENDS[0])} ${Y(now.mean)}H${X(now.n)}`);
  curve(batch, "demean-drop", "b", `M${X(1)} ${Y(now.mean)}V${Y(now.dy[0])}`);
  dot(batch, "demean-first", "a", X(1), Y(now.dy[0]));
  const held = dot(batch, "demean-end", "c", X(now.n), Y(now.mean));
  held.dataset.grip = "mean";
  const name = layer(batch, "text", "demean-name");
  name.textContent = "mean";
  const right = now.n < 200;
  for (const [key, value] of Object.entries({ x: X(now.n) + (right ? 10 : -10), y: Y(now.mean) + (right ? 4 : -9), class: `demean-name ${right ? "" : "plot-end"}` }))
    name.setAttribute(key, value);

  const heights = all.flatMap(({ plain, dx }) => [plain, dx]);
  const [below, curves] = panel("demean-curves", ABOVE, BELOW, around(heights), "batch size n", "gradient");
  const at = (v) => curves.Y(v);
  curve(below, "zero", "zero", `M${X(ENDS[0])} ${at(0)}H${X(ENDS[1])}`);
  curve(below, "plain", "a", curves.path(all.map(({ n, plain }) => [n, plain])));
  curve(below, "passed", "b", curves.path(all.map(({ n, dx }) => [n, dx])));
  curve(below, "gap", "c", `M${X(now.n) + 8} ${at(now.plain)}h5V${at(now.dx)}h-5`);
  for (const [key, look, v] of [["dot-plain", "a", now.plain], ["dot-passed", "b", now.dx]])
    dot(below, key, look, X(now.n), at(v)).dataset.grip = "size";
  svg.setAttribute("viewBox", `0 0 ${WIDTH} ${ABOVE + BELOW}`);
  svg.setAttribute("width", 1.4 * WIDTH);

  const keys = layer(svg.parentElement, "p", "plot-keys");
  keys.textContent = "";
  for (const look in KEYS) {
    add(keys, "span", { class: `explore-key plot-${look}${look === "c" ? " gap" : ""}` }, KEYS[look]);
    keys.append(" "); // where the line may break
  }
  return (px, py, part) => {
    const [n, v] = invert(px, py);
    const doublings = Math.round(Math.log2(Math.max(1, Math.min(1024, n))));
    if (part === "size") return { doublings };
    const shift = v - passed({ ...state, shift: 0 }, 2 ** doublings).mean;
    return { doublings, shift };
  };
}

const FIGURE = {
  title: "The gradient through a batch mean",
  invite: "Press Play to let the batch grow, or drag the orange dot: up, down and sideways.",
  controls: CONTROLS,
  presets: {
    "Random: gap closes": { upstream: "random", shift: 0, doublings: 10 },
    "Plus ½: gap stays": { upstream: "random", shift: 0.5, doublings: 10 },
    "All 1: nothing arrives": { upstream: "constant", shift: 0, doublings: 5 },
  },
  play: {
    first: () => ({ doublings: 0 }),
    next: ({ doublings }) => (doublings < 10 ? { doublings: doublings + 1 } : null),
    every: 900,
  },
  draw,
};

export default { render: (context) => explore(context, FIGURE) };
