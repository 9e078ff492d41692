// How the gradient through a batch mean is drawn: the batch, and beside it what is left of example 1.

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
  shift: range("added to each", -0.5, 0.5, 0.05),
  gamma: ["scale γ", { type: "range", min: -2, max: 2, step: 0.25, more: true }],
};
const SIZES = Array.from({ length: 1024 }, (_, i) => i + 1).filter((n) => n < 65 || n % 16 === 0);
// Where things stand: beside each other, or on a phone one above the other. `batch` and `curve` are from
// left to right, `tops` their upper edges, `tall` how high both are; `axis` is where the numbers stand.
const WIDE = { size: [724, 300], batch: [136, 316], curve: [370, 580], tops: [34, 34], tall: 226, axis: [343, "middle"] };
const NARROW = { size: [340, 428], batch: [146, 318], curve: [34, 196], tops: [28, 236], tall: 150, axis: [28, "end"] };

/** Heights of names: where they are wanted, or further in this direction, 18 px from those before and 12 from lines. */
function apart(wanted, way, lines) {
  const placed = [];
  for (let y of wanted) {
    const taken = [...lines.map((at) => [at, 12]), ...placed.map((at) => [at, 18])].sort((a, b) => way * (a[0] - b[0]));
    for (const [at, room] of taken) if (Math.abs(y - at) < room) y = at + way * room;
    placed.push(y);
  }
  return placed;
}

function draw(state, { svg, line, notes, inputs }) {
  const now = passed(state, 2 ** state.doublings);
  const { n, dy, mean, plain, dx } = now;
  const said = printed(state, now);
  const words = spell(state, now);
  say(inputs.doublings, `${n}`);
  line.textContent = "";
  for (const [look, text] of words.line) // on a phone it breaks only before the second "="
    add(line, "span", { class: look && `demean-${look}` }, text.replaceAll(" ", "\u00a0").replace(/^\)./, ") "));
  notes.textContent = words.notes;
  svg.setAttribute("aria-label", `The upstream gradients of the batch times γ, and their mean; beside them the ` +
    `gradient of x₁ for batches of 1 to ${n}. ${line.textContent}. ${words.notes}`);

  const wide = matchMedia("(min-width: 40rem)").matches;
  const { size: [W, H], batch, curve: right, tops, tall, axis } = wide ? WIDE : NARROW;
  svg.setAttribute("viewBox", `0 0 ${W} ${H}`);
  svg.setAttribute("width", W);
  // Both have the same scale, with room for every shift, so that lengths can be compared.
  const most = 2.5 * Math.max(1, Math.abs(state.gamma));
  const [one, two] = tops.map((top) => scale([-most, most], top + tall, top));
  const { px: X, back } = scale([1, 1024], ...right, true);
  const frame = layer(svg, "g", "plot-axes");
  frame.replaceChildren();
  add(frame, "clipPath", { id: `explore-${Math.random()}` }).append(add(frame, "rect", { width: W, height: H }));
  const write = (x, y, text, kind = "") => add(frame, "text", { x, y, class: kind }, text);
  [one, two].forEach(({ px: Y }, k) => {
    const [from, to] = k ? right : batch;
    for (const v of ticks(-most, most)) {
      add(frame, "path", { d: `M${from} ${Y(v)}H${to}`, class: v ? "" : "demean-zero" });
      if (wide && k) continue;
      write(k || wide ? axis[0] : to + 4, Y(v), typeset(v), k || wide ? `plot-${axis[1]}` : "plot-start");
    }
    write((from + to) / 2, tops[k] - 14, k ? "what reaches x₁" : "the batch: γ ∂L/∂yⱼ", "bold");
    write((from + to) / 2, tops[k] + tall + (k ? 34 : 17), k ? "batch size n" : n === 1 ? "example 1 only" : `examples 1 to ${n}`);
  });
  for (const v of [1, 4, 16, 64, 256, 1024]) {
    add(frame, "path", { d: `M${X(v)} ${tops[1]}v${tall}` });
    write(X(v), tops[1] + tall + 17, v);
  }

  // The batch, from left to right, and how its mean parts the gradient of example 1.
  const left = batch[0] + 14;
  const spread = (i) => left + (i * (batch[1] - 16 - left)) / Math.max(1, n - 1);
  const [Y, Z] = [one.px, two.px];
  const [m, small] = [state.gamma * mean, n > 100 ? "demean-many" : ""];
  curve(svg, "demean-dots", `point plot-a ${small}`, dy.map((v, i) => `M${spread(i).toFixed(2)} ${Y(state.gamma * v).toFixed(2)}h.01`).join(""));
  curve(svg, "demean-goal", "a", `M${left} ${Y(plain)}H${wide ? axis[0] - 12 : batch[1]}M${wide ? axis[0] + 12 : right[0]} ${Z(plain)}H${right[1]}`);
  curve(svg, "demean-mean", "c", `M${left - 8} ${Y(m)}H${batch[1] - 6}`);
  // What is lost stands beside what is left: where the mean is negative, they overlap.
  const bar = (key, look, x, from, to) => curve(svg, key, look, `M${x - 4} ${from}h8m-4 0V${to}m-4 0h8`);
  bar("demean-lost", "c", left - 8, Y(0), Y(m));
  bar("demean-left", "b", left, Y(m), Y(plain));
  dot(svg, "demean-first", "a", left, Y(plain));
  dot(svg, "demean-end", "c", batch[1] - 6, Y(m)).dataset.grip = "mean";

  curve(svg, "passed", "b", SIZES.filter((k) => k <= n).map((k, i) => `${i ? "L" : "M"}${X(k).toFixed(2)} ${Z(passed(state, k).dx).toFixed(2)}`).join(""));
  bar("gap-left", "b", X(n), Z(0), Z(dx));
  bar("gap-lost", "c", X(n) + 8, Z(dx), Z(plain));
  dot(svg, "dot-passed", "b", X(n), Z(dx)).dataset.grip = "size";

  const names = layer(svg, "g", "demean-names");
  names.replaceChildren();
  const label = (x, y, text, look) => add(names, "text", { x, y, class: look }, text);
  const way = plain < 0 ? -1 : 1; // a name stands beyond its line, the others towards 0
  apart([Y(plain) - 12 * way, (Y(m) + Y(plain)) / 2, (Y(0) + Y(m)) / 2], way, []).forEach((y, i) => {
    const text = ["example 1", `rest = ${short(said.dx)}`, `γ · mean = ${short(said.lost)}`][i];
    label(left - 18, y, text, `end ${"abc"[i]}`);
  });
  apart([Z(plain) - 13 * way, (Z(dx) + Z(plain)) / 2, Z(dx / 2)], way, [Z(0), Z(plain)]).forEach((y, i) => {
    const text = [`γ ∂L/∂y₁ = ${short(said.plain)}`, `gap = ${short(said.lost)}`, `∂L/∂x₁ = ${short(said.dx)}`][i];
    label(wide || n < 2 ? X(n) + 16 : right[1] + 16, y, text, "acb"[i]); // on a phone beside the plot
  });
  return (px, py, part) => {
    if (part === "size") return { doublings: Math.round(Math.log2(Math.max(1, Math.min(1024, back(px))))) };
    return state.gamma ? { shift: one.back(py) / state.gamma - passed({ ...state, shift: 0 }, n).mean } : {};
  };
}

const FIGURE = {
  title: "The gradient through a batch mean",
  invite: "Press Play, or drag the orange dot up or down, the green one sideways.",
  controls: CONTROLS,
  presets: {
    "Random: gap closes": { upstream: "random", shift: 0, doublings: 10 },
    "Plus ½: gap stays": { upstream: "random", shift: 0.5, doublings: 10 },
    "All 1: nothing arrives": { upstream: "constant", shift: 0, doublings: 3 },
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
