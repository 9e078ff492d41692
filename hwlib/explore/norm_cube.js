// Which entries of a batch share one mean: batch, layer, instance or group norm, entry by entry.

const EPS = 1e-5;

/** The set of entries that one entry of x (N, C, HW) shares its mean with, and what becomes of it. */
export function share(x, { norm, groups, sample, channel, place }) {
  const [N, C, P] = [x.length, x[0].length, x[0][0].length];
  if (C % groups) throw new RangeError(`${C} channels do not fall into ${groups} equal groups.`);
  const width = { batch: 1, layer: C, instance: 1, group: C / groups }[norm];
  const first = Math.floor(channel / width) * width;
  const box = norm === "batch" ? { samples: [0, N], channels: [channel, channel + 1] }
    : { samples: [sample, sample + 1], channels: [first, first + width] };
  const has = (n, c) =>
    n >= box.samples[0] && n < box.samples[1] && c >= box.channels[0] && c < box.channels[1];
  const set = x.flatMap((rows, n) => rows.flatMap((row, c) => (has(n, c) ? row : [])));
  const mean = set.reduce((sum, v) => sum + v, 0) / set.length;
  const variance = set.reduce((sum, v) => sum + (v - mean) ** 2, 0) / set.length;
  const sd = Math.sqrt(variance + EPS);
  const entry = x[sample][channel][place];
  const factors = [box.samples[1] - box.samples[0], width, P];
  const sets = (N * C * P) / set.length;
  return { ...box, has, width, factors, count: set.length, sets, mean, sd, entry, z: (entry - mean) / sd };
}

const short = (v) => typeset(+v.toFixed(3));

/** The set in words, counted; and what becomes of the entry. */
export function spell(x, state) {
  const found = share(x, state);
  const { samples: [n, end], channels: [c, stop], factors, count, sets, mean, sd, entry, z } = found;
  const [N, C, P] = [x.length, x[0].length, x[0][0].length];
  const which = found.width === C ? `all ${C} channels`
    : found.width === 1 ? `channel ${c}`
    : found.width === 2 ? `channels ${c} and ${c + 1}` : `channels ${c} to ${stop - 1}`;
  const whose = end - n === 1 ? `sample ${n}` : `all ${N} samples`;
  const minus = mean < 0 ? `+ ${short(-mean)}` : `− ${short(mean)}`;
  return {
    line: `One mean for ${which} of ${whose}, at all ${P} positions:\n` +
      `${factors.join(" · ")} = ${count} entries. Their mean is ${short(mean)}.`,
    notes: `${sets} ${sets === 1 ? "set" : "sets"} of ${count} make up all ${sets * count} entries.\n` +
      `The ringed entry becomes z = (${typeset(entry)} ${minus}) / ${short(sd)} = ${short(z)}.`,
  };
}

const NORMS = { batch: "batch norm", layer: "layer norm", instance: "instance norm", group: "group norm" };
const index = (end) => ({ type: "range", min: 0, max: end });
const CONTROLS = {
  norm: ["norm", { type: "select", options: NORMS }],
  groups: ["groups", { type: "select", options: { 1: "1", 2: "2", 4: "4" } }],
  sample: ["sample n", index(2)],
  channel: ["channel c", index(3)],
  place: ["position hw", index(3)],
};
const [A, CUBE, LEFT, GAP] = [26, 24, 28, 8]; // side of a cell cut open, of one of the cube
const TOP = 32; // of the cube's front; a sample further back is 0.5 cells right and 0.4 up
const box = (x, y, w, h) => `M${x} ${y}h${w}v${h}h${-w}z`;

function draw(x, state, { svg, line, notes, inputs }) {
  state.groups = +state.groups; // what a select says is a word
  const [N, C, P] = [x.length, x[0].length, x[0][0].length];
  const found = share(x, state);
  const words = spell(x, state);
  inputs.groups.disabled = state.norm !== "group";
  line.textContent = words.line;
  notes.textContent = words.notes;
  svg.setAttribute("aria-label", `A block of ${N} samples, ${C} channels and ${P} positions, whole and ` +
    `cut into its samples. ${NORMS[state.norm]} of the entry in sample ${state.sample}, channel ` +
    `${state.channel}, position ${state.place}: ${words.line} ${words.notes}`);

  const sheet = C * A + GAP; // from one sample to the next
  const width = LEFT + N * sheet - GAP + 3;
  const front = (width - (C + 0.5 * N) * CUBE) / 2;
  const under = TOP + P * CUBE + 50; // top of the sheets
  const height = under + P * A + 22;
  svg.dataset.spot = "";
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.setAttribute("width", 1.35 * width); // px at most: the css shrinks it to fit
  const cells = layer(svg, "g", "explore-cells");
  cells.replaceChildren();
  const label = (x, y, text, anchor = "middle") =>
    add(cells, "text", { x, y, "font-size": 15, style: `text-anchor: ${anchor}` }, text);

  // The block: corners of entry (n, c, p), and of each face that is seen its four.
  const corner = ([n, c, p]) => [front + (c + 0.5 * n) * CUBE, TOP + (p - 0.4 * n) * CUBE];
  const face = (n, c, p, ...corners) => {
    const d = `M${corners.map((at) => corner(at).map((v) => v.toFixed(1)).join(" ")).join("L")}z`;
    add(cells, "path", { d, class: `norm-face${found.has(n, c) ? " tap" : ""}` });
  };
  for (let n = N - 1; n >= 0; n--) {
    for (let c = 0; c < C; c++) face(n, c, 0, [n, c, 0], [n, c + 1, 0], [n + 1, c + 1, 0], [n + 1, c, 0]);
    for (let p = 0; p < P; p++) face(n, C - 1, p, [n, C, p], [n + 1, C, p], [n + 1, C, p + 1], [n, C, p + 1]);
  }
  for (let c = 0; c < C; c++)
    for (let p = 0; p < P; p++) face(0, c, p, [0, c, p], [0, c + 1, p], [0, c + 1, p + 1], [0, c, p + 1]);
  label(front - 6, TOP + (P * CUBE) / 2, "HW", "end");
  label(front + (C * CUBE) / 2, TOP + P * CUBE + 12, "C");
  label(front + (C + 0.25 * N) * CUBE + 6, TOP + (P - 0.2 * N) * CUBE + 8, "N", "start");

  // The samples side by side, every entry seen; thick lines part the sets.
  let [borders, chosen] = ["", ""];
  const at = (n, c, p) => [LEFT + n * sheet + c * A, under + p * A];
  x.forEach((rows, n) => {
    label(at(n, C / 2, 0)[0], under - 12, `sample ${n}`);
    rows.forEach((row, c) => {
      if (c % found.width === 0) borders += box(...at(n, c, 0), found.width * A, P * A);
      label(at(n, c + 0.5, P)[0], under + P * A + 12, c);
      row.forEach((value, p) => {
        const [left, top] = at(n, c, p);
        const g = add(cells, "g", { class: `norm-entry${found.has(n, c) ? " tap" : ""}` });
        add(g, "rect", { x: left, y: top, width: A, height: A });
        add(g, "text", { x: left + A / 2, y: top + A / 2, "font-size": 15 }, typeset(value));
      });
    });
    if (found.has(n, found.channels[0]))
      chosen += box(...at(n, found.channels[0], 0), found.width * A, P * A);
  });
  for (let p = 0; p < P; p++) label(LEFT - 6, under + (p + 0.5) * A, p, "end");
  label(LEFT - 6, under - 12, "hw", "end");
  label(LEFT - 6, under + P * A + 12, "c", "end");
  layer(svg, "path", "norm-borders").setAttribute("d", borders);
  layer(svg, "path", "norm-set").setAttribute("d", chosen);
  const ring = layer(svg, "circle", "norm-ring");
  const [cx, cy] = at(state.sample, state.channel + 0.5, state.place + 0.5);
  for (const [name, value] of Object.entries({ cx, cy, r: A / 2 - 2 })) ring.setAttribute(name, value);

  const clamp = (v, end) => Math.max(0, Math.min(end - 1, Math.floor(v)));
  return (px, py) => {
    if (py < under - 26) return {};
    const sample = clamp((px - LEFT + GAP / 2) / sheet, N);
    const channel = clamp((px - at(sample, 0, 0)[0]) / A, C);
    return { sample, channel, place: clamp((py - under) / A, P) };
  };
}

export default {
  render: (context) => explore(context, {
    title: "Which entries share one mean", invite: "", controls: CONTROLS,
    draw: (state, parts) => draw(context.model.get("values"), state, parts),
  }),
};
