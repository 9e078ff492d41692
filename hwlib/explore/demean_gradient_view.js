// How the gradient through a batch mean is drawn: example by example, and the mean as the batch grows.

const UPSTREAM = {
  random: "random numbers from −2 to 2",
  single: "1, 0, 0, 0, …",
  alternating: "1, −1, 1, −1, …",
  halving: "1, ½, ¼, ⅛, …",
  constant: "1, 1, 1, 1, …",
  share: "1/n each",
};
const CONTROLS = {
  upstream: ["upstream gradients ∂L/∂yⱼ", { type: "select", options: UPSTREAM }],
  doublings: range("batch size n", 0, 10),
  shift: ["added to each", { ...range("", -0.5, 0.5, 0.05)[1], more: true }],
  gamma: ["scale γ", { type: "range", min: -2, max: 2, step: 0.25, more: true }],
};
const SIZES = Array.from({ length: 1024 }, (_, i) => i + 1).filter((n) => n < 65 || n % 16 === 0);
// The picture, and between which places the batch size goes from 1 to 1,024; names are on the right.
const WIDE = { size: [740, 330], across: [48, 618] };
const NARROW = { size: [340, 300], across: [34, 228] };
const [TOP, BELOW, APART] = [8, 44, 24];

function draw(state, { svg, line, notes, inputs }) {
  const now = passed(state, 2 ** state.doublings);
  const { n, dy, mean, plain } = now;
  const words = spell(state, now);
  say(inputs.doublings, `${n}`);
  const more = state.shift ? `, ${state.shift < 0 ? "minus" : "plus"} ${short(Math.abs(state.shift))}` : "";
  for (const option of inputs.upstream.options) option.textContent = UPSTREAM[option.value] + more;
  line.textContent = "";
  for (const [look, text] of words.line) // on a phone it breaks only before the second "="
    add(line, "span", { class: look }, text.replaceAll(" ", "\u00a0").replace(/^\)./, ") "));
  notes.textContent = words.notes;
  svg.setAttribute("aria-label", `The upstream gradients of ${n} examples times γ; their mean for batches of ` +
    `1 to ${n}, and its distance to that of example 1. ${line.textContent}. ${words.notes}`);

  const wide = matchMedia("(min-width: 40rem)").matches;
  const { size: [W, H], across } = wide ? WIDE : NARROW;
  svg.setAttribute("viewBox", `0 0 ${W} ${H}`);
  svg.setAttribute("width", W);
  const most = 2.5 * Math.max(1, Math.abs(state.gamma)); // with room for every shift
  const { px: Y } = scale([-most, most], H - BELOW, TOP);
  const { px: X, back } = scale([1, 1024], ...across, true);
  const frame = layer(svg, "g", "plot-axes");
  frame.replaceChildren();
  add(frame, "clipPath", { id: `explore-${Math.random()}` }).append(add(frame, "rect", { width: W, height: H }));
  const write = (x, y, text, kind = "") => add(frame, "text", { x, y, class: kind }, text);
  for (const v of ticks(-most, most)) {
    add(frame, "path", { d: `M${across[0]} ${Y(v)}H${across[1]}`, class: v ? "" : "demean-zero" });
    write(across[0] - 12, Y(v), typeset(v), "plot-end");
  }
  for (const v of [1, 4, 16, 64, 256, 1024]) write(X(v), H - BELOW + 17, v.toLocaleString("en"));
  write((across[0] + across[1]) / 2, H - 8, "batch size n: examples 1, 2, …, n");

  const scaled = state.gamma === 1 ? "" : "γ ";
  write(across[0], TOP + 6, `${scaled}∂L/∂yⱼ: a dot for each example`, "demean-what");

  // Each example at the batch size with which it comes in; example 1 and, below, the mean of all so far.
  const m = state.gamma * mean;
  const sizes = SIZES.filter((k) => k <= n).map((k) => [k, passed(state, k)]);
  const path = (points, f) => points.map(([k, at], i) => `${i ? "L" : "M"}${X(k).toFixed(2)} ${Y(f(at)).toFixed(2)}`).join("");
  const goal = path(sizes, (at) => at.plain);
  const lost = (points) => path(points, (at) => at.lost);
  curve(svg, "demean-between", "b", `${goal}${lost([...sizes].reverse()).replace("M", "L")}z`);
  const small = n > 100 ? "demean-many" : "";
  curve(svg, "demean-dots", `point plot-a ${small}`, dy.map((v, i) => `M${X(i + 1).toFixed(2)} ${Y(state.gamma * v).toFixed(2)}h.01`).join(""));
  curve(svg, "demean-goal", "a", goal);
  curve(svg, "passed", "c", lost(sizes));
  curve(svg, "demean-left", "b", `M${X(n) - 6} ${Y(m)}h12m-6 0V${Y(plain)}m-6 0h12`);
  dot(svg, "dot-first", "a", X(1), Y(sizes[0][1].plain));
  dot(svg, "dot-size", "c", X(n), Y(m)).dataset.grip = "size";

  const names = layer(svg, "g", "demean-names");
  names.replaceChildren();
  const [middle, way] = [(Y(m) + Y(plain)) / 2, plain < m ? 1 : -1]; // the names are apart even where both lines are one
  const reaches = short(now.dx) !== "0";
  const far = Math.max(Math.abs(Y(m) - Y(plain)) / 2, reaches ? APART : APART / 2) * way;
  const name = (by, look, text) => add(names, "text", { x: X(n) + 18, y: middle + by, class: look }, text);
  name(far, "a", `${scaled}∂L/∂y₁`);
  if (reaches) name(0, "b", "reaches x₁");
  const two = name(-far, "c", ""); // there is no room for one row; both lead away from the other names
  [`${scaled}mean of `, "the first n"].forEach((text, i) =>
    add(two, "tspan", { x: X(n) + 18, dy: i ? 18 : way < 0 ? 0 : -18 }, text));
  svg.append(names);
  return (px) => ({ doublings: Math.round(Math.log2(Math.max(1, Math.min(1024, back(px))))) });
}

const FIGURE = {
  title: "The gradient through a batch mean",
  invite: "Press Play: the batch grows; watch its mean. Or drag the orange dot.",
  controls: CONTROLS,
  presets: {
    "Random: the mean fades": { upstream: "random", shift: 0, doublings: 10 },
    "Plus ½: the mean stays": { upstream: "random", shift: 0.5, doublings: 10 },
    "All 1: nothing is left": { upstream: "constant", shift: 0, doublings: 10 },
  },
  play: {
    first: () => ({ doublings: 0 }),
    next: ({ doublings }) => (doublings < 10 ? { doublings: doublings + 1 } : null),
    every: 700,
  },
  look: "explore-lead",
  draw,
};

export default { render: (context) => explore(context, FIGURE) };
