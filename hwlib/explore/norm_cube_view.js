// How the sets of a norm are drawn: in a block for each of the four norms, and in the samples.

const NORMS = { batch: "batch norm", layer: "layer norm", instance: "instance norm", group: "group norm" };
const index = (label, end) => [label, { ...range("", 0, end)[1], more: true }];
const CONTROLS = {
  norm: ["norm", { type: "select", options: NORMS, more: true }],
  sample: index("sample n", 2),
  channel: index("channel c", 3),
  place: index("position hw", 3),
  groups: ["groups of channels", { type: "select", options: { 1: "1", 2: "2", 4: "4" }, more: true }],
};
// Where things stand: the front of the first block, from one to the next, side of their cells; the
// samples cut open, with width, height and distance.
const WIDE = { size: [740, 396], front: [98, 58], next: 162, side: 22, sheets: [30, 212], cell: [54, 36], gap: 18 };
const NARROW = { size: [340, 304], front: [16, 44], next: 82, side: 12.2, sheets: [20, 154], cell: [25.5, 28], gap: 6 };
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
  svg.setAttribute("aria-label", `A block of ${N} samples, ${C} channels and ${P} positions, for each norm, and ` +
    `cut into its samples. ${NORMS[state.norm]} of the entry in sample ${state.sample}, channel ` +
    `${state.channel}, position ${state.place}: ${words.line} ${words.notes}`);

  const wide = matchMedia("(min-width: 40rem)").matches;
  const { size, front: [first, top], next, side, sheets: [from, under], cell: [A, B], gap } = wide ? WIDE : NARROW;
  svg.setAttribute("viewBox", `0 0 ${size.join(" ")}`);
  svg.setAttribute("width", size[0]);
  const cells = layer(svg, "g", "explore-cells");
  const names = layer(svg, "g", "norm-names");
  for (const g of [cells, names]) g.replaceChildren();
  const label = (x, y, text, kind = "") => add(names, "text", { x, y, class: kind }, text);

  // A block for each norm, with the set of the same entry.
  const { sample, channel, place } = state;
  Object.keys(NORMS).forEach((norm, k) => {
    const left = first + k * next;
    const g = layer(svg, "g", `norm-block-${norm}`);
    g.replaceChildren();
    const chosen = norm === state.norm ? " chosen" : "";
    add(g, "rect", { x: left - 9, y: 1, width: 5.7 * side + 18, height: top + 4 * side + 10, rx: 6, class: `norm-choice${chosen}`, "data-spot": norm });
    block(g, sizes, share(x, { ...state, norm }), { side, apart: 0.2, left, top, spot: norm });
    label(left + 2.8 * side, 14, wide ? NORMS[norm] : norm, `middle${chosen && " a"}`);
  });
  // What runs along its edges, beside the first; on a phone below all of them.
  const along = ["channels →", "positions ↓", "samples ↗"];
  if (wide) {
    label(first + 2 * side, top + P * side + 22, along[0], "axis middle");
    label(first - 15, top + 2 * side, along[1], "axis end");
    label(first - 15, top - 14, along[2], "axis end");
  } else label(size[0] / 2, top + P * side + 21, along.join("\u2003"), "axis middle");

  // The samples side by side, every entry seen; thick lines part the sets, whose mean stands above.
  const sheet = C * A + gap; // from one sample to the next
  let [borders, chosen] = ["", ""];
  const at = (n, c, p) => [from + n * sheet + c * A, under + p * B];
  x.forEach((rows, n) => {
    label(at(n, C / 2, 0)[0], under + P * B + 30, `sample ${n}`, "middle");
    rows.forEach((row, c) => {
      if (c % found.width === 0) borders += box(...at(n, c, 0), found.width * A, P * B);
      label(at(n, c + 0.5, P)[0], under + P * B + 12, c, "middle faint");
      row.forEach((value, p) => {
        const [left, top] = at(n, c, p);
        const g = add(cells, "g", { class: `norm-entry${found.has(n, c) ? " tap" : ""}`, "data-spot": `face ${n} ${c} ${p}` });
        add(g, "rect", { x: left, y: top, width: A, height: B });
        const ringed = wide && [n, c, p].join() === [sample, channel, place].join(); // a phone has no room below the number
        add(g, "text", { x: left + A / 2, y: top + B / 2 - 6 * ringed, "font-size": 15 }, typeset(value));
        if (ringed) add(g, "text", { x: left + A / 2, y: top + B / 2 + 8, "font-size": 12, class: "norm-made" }, `→\u2009${short(found.z)}`);
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
  const mean = `mean ${short(found.mean)}, sd ${short(found.sd)}`;
  label(Math.max(from + 66, Math.min(size[0] - 80, (middle(n) + middle(end - 1)) / 2)), under - (end - n > 1 ? 20 : 13), mean, "a middle");
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
  invite: "Press Play for all sets of each norm, or press a norm or a number.",
  controls: CONTROLS,
  values: ["values"],
  presets: Object.fromEntries(NAMES),
  play: {
    first: () => ({ norm: "batch", sample: 0, channel: 0 }),
    next(state) {
      const norm = Object.keys(NORMS)[Object.keys(NORMS).indexOf(state.norm) + 1];
      return nextSet(state.values, state) ?? (norm ? { norm, sample: 0, channel: 0 } : null);
    },
    every: ({ norm }) => (norm === "instance" ? 450 : 900), // it has twelve
  },
  draw,
};

export default { render: (context) => { explore(context, FIGURE); } };
