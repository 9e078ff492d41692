// How the sets of a norm are drawn: in the block, in small for each of the four norms, and in the samples.

const NORMS = { batch: "batch norm", layer: "layer norm", instance: "instance norm", group: "group norm" };
const index = (label, end) => [label, { ...range("", 0, end)[1], more: true }];
const CONTROLS = {
  norm: ["norm", { type: "select", options: NORMS, more: true }],
  sample: index("sample n", 2),
  channel: index("channel c", 3),
  place: index("position hw", 3),
  groups: ["groups of channels", { type: "select", options: { 1: "1", 2: "2", 4: "4" }, more: true }],
};
// Where things stand: the front of the block, side of its cells; the small blocks, from one to the next,
// and their cells; the count; the samples cut open, with width, height and distance.
const WIDE = { size: [724, 384], front: [112, 50], side: 29, small: [396, 32, 82, 11], count: [388, 124], sheets: [44, 210], cell: [53, 34], gap: 18 };
const NARROW = { size: [340, 500], front: [84, 46], side: 25, small: [22, 194, 82, 9], count: [8, 271], sheets: [20, 346], cell: [25.5, 27], gap: 6 };
const box = (x, y, w, h) => `M${x} ${y}h${w}v${h}h${-w}z`;

function draw(state, { svg, line, notes, inputs }) {
  const x = state.values;
  state.groups = +state.groups; // what a select says is a word
  const sizes = [x.length, x[0].length, x[0][0].length];
  const [N, C, P] = sizes;
  const found = share(x, state);
  const words = spell(x, state);
  inputs.groups.parentElement.style.visibility = state.norm === "group" ? "" : "hidden";
  line.textContent = words.line;
  notes.textContent = words.notes;
  svg.setAttribute("aria-label", `A block of ${N} samples, ${C} channels and ${P} positions, whole and ` +
    `cut into its samples. ${NORMS[state.norm]} of the entry in sample ${state.sample}, channel ` +
    `${state.channel}, position ${state.place}: ${words.line}, ${words.count.join(" ")}. ${words.notes}`);

  const wide = matchMedia("(min-width: 40rem)").matches;
  const { size, front: [left, top], side, small, count, sheets: [from, under], cell: [A, B], gap } = wide ? WIDE : NARROW;
  svg.setAttribute("viewBox", `0 0 ${size.join(" ")}`);
  svg.setAttribute("width", size[0]);
  const cells = layer(svg, "g", "explore-cells");
  const names = layer(svg, "g", "norm-names");
  for (const g of [cells, names]) g.replaceChildren();
  const label = (x, y, text, kind = "") => add(names, "text", { x, y, class: kind }, text);

  // The block, with the set of the chosen norm and the ringed entry; and small ones, for all four.
  const { sample, channel, place } = state;
  const whole = layer(svg, "g", "norm-block");
  whole.replaceChildren();
  block(whole, sizes, found, { side, apart: 0.6, left, top, ringed: [sample, channel, place] });
  const [right, down] = [left + C * side, top + P * side];
  let arrows = "";
  const arrow = (x, y, dx, dy) => { arrows += `M${x} ${y}l${dx} ${dy}m${-0.18 * dx - 0.1 * dy} ${-0.18 * dy + 0.1 * dx}l${0.18 * dx + 0.1 * dy} ${0.18 * dy - 0.1 * dx}l${-0.18 * dx + 0.1 * dy} ${-0.18 * dy - 0.1 * dx}`; };
  arrow(left - 8, top + side, 0, 2 * side);
  label(left - 16, top + 2 * side - 8, "H·W", "end bold");
  label(left - 16, top + 2 * side + 8, "positions", "end");
  arrow(left, down + 10, 1.6 * side, 0);
  label(left + 1.6 * side + 6, down + 10, "C channels");
  arrow(right + 12, down - 2, 1.3 * side, -1.04 * side);
  label(right + 24 + 0.9 * side, down - 4, "N samples");
  layer(svg, "path", "norm-arrows").setAttribute("d", arrows);
  Object.keys(NORMS).forEach((norm, k) => {
    const [at, up, a] = [small[0] + k * small[2], small[1], small[3]];
    const g = layer(svg, "g", `norm-small-${norm}`);
    g.replaceChildren();
    add(g, "rect", { x: at - 9, y: up - 1.4 * a - 6, width: 5.7 * a + 18, height: 5.4 * a + 30, rx: 4, class: `norm-choice${norm === state.norm ? " chosen" : ""}`, "data-spot": norm });
    block(g, sizes, share(x, { ...state, norm }), { side: a, apart: 0.2, left: at, top: up, spot: norm });
    add(g, "text", { x: at + 2.8 * a, y: up + 4 * a + 16, class: "norm-label" }, norm);
  });
  words.count.forEach((text, i) => label(count[0], count[1] + 20 * i, text, ["", "a", "c"][i]));

  // The samples side by side, every entry seen; thick lines part the sets, whose mean stands above.
  const sheet = C * A + gap; // from one sample to the next
  let [borders, chosen] = ["", ""];
  const at = (n, c, p) => [from + n * sheet + c * A, under + p * B];
  x.forEach((rows, n) => {
    label(at(n, C / 2, 0)[0], under + P * B + 27, `sample ${n}`, "middle");
    rows.forEach((row, c) => {
      if (c % found.width === 0) borders += box(...at(n, c, 0), found.width * A, P * B);
      label(at(n, c + 0.5, P)[0], under + P * B + 12, c, "middle faint");
      row.forEach((value, p) => {
        const [left, top] = at(n, c, p);
        const g = add(cells, "g", { class: `norm-entry${found.has(n, c) ? " tap" : ""}`, "data-spot": `face ${n} ${c} ${p}` });
        add(g, "rect", { x: left, y: top, width: A, height: B });
        add(g, "text", { x: left + A / 2, y: top + B / 2, "font-size": 15 }, typeset(value));
      });
    });
    if (found.has(n, found.channels[0])) chosen += box(...at(n, found.channels[0], 0), found.width * A, P * B);
  });
  for (let p = 0; p < P; p++) label(from - 6, under + (p + 0.5) * B, p, "end faint");
  const [n, end] = found.samples;
  const middle = (k) => at(k, found.channels[0] + found.width / 2, 0)[0];
  if (end - n > 1) {
    chosen += `M${middle(n)} ${under - 8}H${middle(end - 1)}`;
    for (let k = n; k < end; k++) chosen += `M${middle(k)} ${under - 8}v8`;
  }
  const mean = `mean ${short(found.mean)}`;
  label(Math.max(from + 34, Math.min(size[0] - 40, (middle(n) + middle(end - 1)) / 2)), under - (end - n > 1 ? 18 : 11), mean, "a middle");
  layer(svg, "path", "norm-borders").setAttribute("d", borders);
  layer(svg, "path", "norm-set").setAttribute("d", chosen);
  const [u, v] = at(sample, channel, place);
  const ring = layer(svg, "rect", "norm-ring");
  for (const [name, value] of Object.entries({ x: u + 1.5, y: v + 1.5, width: A - 3, height: B - 3, rx: 8 })) ring.setAttribute(name, value);
  ring.dataset.grip = "ring";

  const clamp = (v, end) => Math.max(0, Math.min(end - 1, Math.floor(v)));
  return (px, py, held) => {
    if (NORMS[held]) return { norm: held };
    if (held !== "ring") {
      const [, sample, channel, place] = held.split(" ").map(Number);
      return { sample, channel, place };
    }
    const sample = clamp((px - from + gap / 2) / sheet, N);
    return { sample, channel: clamp((px - at(sample, 0, 0)[0]) / A, C), place: clamp((py - under) / B, P) };
  };
}

const NAMES = Object.entries(NORMS).map(([norm, name]) => [name[0].toUpperCase() + name.slice(1), { norm }]);
const FIGURE = {
  title: "Which entries share one mean",
  invite: "Choose a norm; Play goes through its sets. Press a cell, or drag the orange ring.",
  controls: CONTROLS,
  values: ["values"],
  presets: Object.fromEntries(NAMES),
  play: {
    first: () => ({ sample: 0, channel: 0 }),
    next: (state) => nextSet(state.values, state),
    every: 600,
  },
  draw,
};

export default { render: (context) => { explore(context, FIGURE); } };
