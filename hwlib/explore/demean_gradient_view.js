// How the gradient through a batch mean is drawn: the batch, and beside it its mean as the batch grows.

const CONTROLS = {
  upstream: ["upstream gradients ∂L/∂yⱼ", { type: "select", options: {
    random: "random numbers from −2 to 2",
    single: "1, 0, 0, 0, …",
    alternating: "1, −1, 1, −1, …",
    halving: "1, ½, ¼, ⅛, …",
    constant: "1, 1, 1, 1, …",
    share: "1/n each",
  } }],
  doublings: range("batch size n", 0, 10),
  shift: ["added to each", { ...range("", -0.5, 0.5, 0.05)[1], more: true }],
  gamma: ["scale γ", { type: "range", min: -2, max: 2, step: 0.25, more: true }],
};
const SIZES = Array.from({ length: 1024 }, (_, i) => i + 1).filter((n) => n < 65 || n % 16 === 0);
// Where things stand: the batch and the curve from left to right; names have the rest.
const WIDE = { size: [724, 300], batch: [46, 226], curve: [262, 566], tall: 222 };
const NARROW = { size: [340, 300], batch: [32, 112], curve: [128, 232], tall: 222 };
const TOP = 34;

/** Heights of names: where they are wanted, or further in this direction, 19 px from those before. */
const apart = (wanted, way) => wanted.reduce((placed, y, i) =>
  [...placed, i && way * (y - placed[i - 1]) < 19 ? placed[i - 1] + 19 * way : y], []);

function draw(state, { svg, line, notes, inputs }) {
  const now = passed(state, 2 ** state.doublings);
  const { n, dy, mean, plain } = now;
  const said = printed(state, now);
  const words = spell(state, now);
  say(inputs.doublings, `${n}`);
  line.textContent = "";
  for (const [look, text] of words.line) // on a phone it breaks only before the second "="
    add(line, "span", { class: look }, text.replaceAll(" ", "\u00a0").replace(/^\)./, ") "));
  notes.textContent = words.notes;
  svg.setAttribute("aria-label", "The upstream gradients of the batch times γ; beside them their mean for batches of " +
    `1 to ${n}, and its distance to that of example 1. ${line.textContent}. ${words.notes}`);

  const wide = matchMedia("(min-width: 40rem)").matches;
  const { size: [W, H], batch, curve: right, tall } = wide ? WIDE : NARROW;
  svg.setAttribute("viewBox", `0 0 ${W} ${H}`);
  svg.setAttribute("width", W);
  // Both have the same scale, with room for every shift, so that heights can be compared.
  const most = 2.5 * Math.max(1, Math.abs(state.gamma));
  const { px: Y, back: up } = scale([-most, most], TOP + tall, TOP);
  const { px: X, back } = scale([1, 1024], ...right, true);
  const frame = layer(svg, "g", "plot-axes");
  frame.replaceChildren();
  add(frame, "clipPath", { id: `explore-${Math.random()}` }).append(add(frame, "rect", { width: W, height: H }));
  const write = (x, y, text, kind = "") => add(frame, "text", { x, y, class: kind }, text);
  for (const v of ticks(-most, most)) {
    for (const [from, to] of [batch, right]) add(frame, "path", { d: `M${from} ${Y(v)}H${to}`, class: v ? "" : "demean-zero" });
    write(batch[0] - 6, Y(v), typeset(v), "plot-end");
  }
  for (const v of [1, 4, 16, 64, 256, 1024]) {
    add(frame, "path", { d: `M${X(v)} ${TOP}v${tall}` });
    if (wide || Math.log2(v) % 4 < 2 && v !== 4) write(X(v), TOP + tall + 17, v);
  }
  const middle = ([from, to]) => (from + to) / 2;
  write(middle(batch), 14, wide ? "the batch: γ ∂L/∂yⱼ" : "γ ∂L/∂yⱼ", "bold");
  write(middle(batch), TOP + tall + 34, n === 1 ? "example 1" : wide ? `examples 1 to ${n}` : `1 to ${n}`);
  write(middle(right), 14, wide ? "its mean as the batch grows" : "their mean", "bold");
  write(middle(right), TOP + tall + 34, "batch size n");

  // The batch, from left to right; example 1 and the mean reach over to the curve.
  const left = batch[0] + 12;
  const spread = (i) => left + (i * (batch[1] - 18 - left)) / Math.max(1, n - 1);
  const m = state.gamma * mean;
  const small = n > 100 ? "demean-many" : "";
  curve(svg, "demean-dots", `point plot-a ${small}`, dy.map((v, i) => `M${spread(i).toFixed(2)} ${Y(state.gamma * v).toFixed(2)}h.01`).join(""));
  curve(svg, "demean-over", "c", `M${batch[1]} ${Y(m)}H${X(n)}`);
  curve(svg, "demean-first", "a", `M${left} ${Y(plain)}H${right[0]}`);
  curve(svg, "demean-mean", "c", `M${batch[0]} ${Y(m)}H${batch[1]}`);
  dot(svg, "dot-first", "a", left, Y(plain));

  // Over the batch size: what example 1 brings, the mean, and between them what is left for x₁.
  const sizes = SIZES.filter((k) => k <= n).map((k) => [k, passed(state, k)]);
  const path = (points, f) => points.map(([k, at], i) => `${i ? "L" : "M"}${X(k).toFixed(2)} ${Y(f(at)).toFixed(2)}`).join("");
  const goal = path(sizes, (at) => at.plain);
  const lost = (points) => path(points, (at) => at.lost);
  curve(svg, "demean-between", "b", `${goal}${lost([...sizes].reverse()).replace("M", "L")}z`);
  curve(svg, "demean-goal", "a", goal);
  curve(svg, "passed", "c", lost(sizes));
  curve(svg, "demean-left", "b", `M${X(n) - 5} ${Y(m)}h10m-5 0V${Y(plain)}m-5 0h10`);
  dot(svg, "dot-mean", "c", batch[1], Y(m)).dataset.grip = "mean";
  dot(svg, "dot-size", "c", X(n), Y(m)).dataset.grip = "size";

  const names = layer(svg, "g", "demean-names");
  names.replaceChildren();
  const label = (x, y, text, look) => add(names, "text", { x, y, class: look }, text);
  const way = plain < m ? -1 : 1; // the names of both ends stand outside
  label(left + 10, Y(plain) - 13 * way, "example 1", "a");
  label(batch[1] - 16, Y(m) - 13 * way, "mean", "c end");
  const texts = wide ? ["γ ∂L/∂y₁ = ", "reaches x₁: ", "γ · mean = "] : ["γ∂L/∂y₁ ", "to x₁: ", "γ·mean "];
  const x = wide ? X(n) + 14 : right[1] + 8;
  const low = Y(m) + 14 * way;
  const clear = Math.abs(low - Y(0)) < 12 ? Y(0) + 13 * way : low; // of the line of 0
  apart([Y(plain) - 13 * way, (Y(m) + Y(plain)) / 2, clear], way).forEach((y, i) =>
    label(x, y, texts[i] + short([said.plain, said.dx, said.lost][i]), "abc"[i]));
  svg.append(names);
  return (px, py, part) => {
    if (part === "size") return { doublings: Math.round(Math.log2(Math.max(1, Math.min(1024, back(px))))) };
    if (!state.gamma) return {};
    const shift = up(py) / state.gamma - passed({ ...state, shift: 0 }, n).mean;
    return { shift: Math.max(-0.5, Math.min(0.5, shift)) };
  };
}

const FIGURE = {
  title: "The gradient through a batch mean",
  invite: "Press Play: the batch grows, its mean shrinks, and more reaches x₁. Or drag the orange dots.",
  controls: CONTROLS,
  presets: {
    "Random: the mean fades": { upstream: "random", shift: 0, doublings: 10 },
    "Plus ½: the mean stays": { upstream: "random", shift: 0.5, doublings: 10 },
    "All 1: nothing is left": { upstream: "constant", shift: 0, doublings: 3 },
  },
  play: {
    first: () => ({ doublings: 0 }),
    next: ({ doublings }) => (doublings < 10 ? { doublings: doublings + 1 } : null),
    every: 500,
  },
  look: "explore-lead",
  draw,
};

export default { render: (context) => explore(context, FIGURE) };
