// The receptive field: which inputs one output of a stack of layers sees.

const FRESH = { kernel_size: 3, stride: 1, padding: 0, dilation: 1 };
const short = ({ kernel_size: k, stride: s, padding: p, dilation: d }) => ({ k, s, p, d });

/** Size, jump and start after each layer, the first for none: hwlib.count.receptive_field. */
export function fields(layers) {
  const found = [{ size: 1, jump: 1, start: 0 }];
  for (const { k, s, p, d } of layers.map(short)) {
    const { size, jump, start } = found.at(-1);
    found.push({ size: size + jump * d * (k - 1), jump: jump * s, start: start - jump * p });
  }
  return found;
}

/** Entries of each level, input first, for three outputs or as many as it takes. */
export function lengths(layers, outputs = 3) {
  const found = layers.map(short).reduceRight(([n, ...rest], { k, s, p, d }) =>
    [s * (n - 1) - 2 * p + d * (k - 1) + 1, n, ...rest], [outputs]);
  return Math.min(...found) > 0 ? found : lengths(layers, outputs + 1);
}

/** What output `at` sees at each level, input first: entries, padding, links to the next level. */
export function seen(layers, at) {
  const sizes = lengths(layers);
  return layers.map(short).reduceRight((levels, { k, s, p, d }, i) => {
    const { real: readers, ends: [a, b] } = levels[0];
    const links = readers.flatMap((o) => Array.from({ length: k }, (_, t) => [o * s + t * d - p, o]));
    const read = [...new Set(links.map(([j]) => j))].sort((a, b) => a - b);
    const inside = (j) => j >= 0 && j < sizes[i];
    const [real, padded] = [read.filter(inside), read.filter((j) => !inside(j))];
    const ends = [a * s - p, b * s - p + d * (k - 1)]; // of the span
    return [{ real, padded, links, ends }, ...levels];
  }, [{ real: [at], padded: [], links: [], ends: [at, at] }]);
}

/** The list after the sliders moved; where they turn to another layer, they take its numbers. */
export function edited(layers, chosen, state) {
  const { depth } = state;
  const after = Array.from({ length: depth }, (_, i) => layers[i] ?? FRESH);
  state.layer = depth > layers.length ? depth : Math.min(state.layer, depth);
  if (depth !== layers.length || state.layer !== chosen) Object.assign(state, after[state.layer - 1]);
  after[state.layer - 1] = Object.fromEntries(Object.keys(FRESH).map((key) => [key, state[key]]));
  return after;
}

/** What output `at` sees, and how size, jump and start come about. */
export function spell(layers, at) {
  const [found, levels] = [fields(layers), seen(layers, at)];
  const { size, jump, start } = found.at(-1);
  const { real, ends } = levels[0];
  const many = real.length < size ? `${real.length} of ${size} inputs` : `${size} input${size > 1 ? "s" : ""}`;
  const line = `Output ${at} sees ${many}, x[${ends.map(typeset).join("] to x[")}].`;
  const spans = layers.map(short).map(({ k, d }, i) =>
    ` + ${found[i].jump}·${d > 1 ? `${d}·` : ""}(${k}\u00a0−\u00a01)`);
  const pads = layers.map(({ padding: p }, i) => (p ? ` − ${found[i].jump}·${p}` : ""));
  const notes = [`size ${size} = 1${spans.join("")}`,
    `jump ${jump} = ${layers.map(({ stride }) => stride).join("·")}`,
    `start ${typeset(start)}${start ? ` = 0${pads.join("")}` : ""}`,
    `Output ${at} begins at ${typeset(start)} + ${at}·${jump} = ${typeset(ends[0])}.`];
  if (levels.some(({ padded }) => padded.length)) notes.push("Crosses are padding.");
  return { line, notes };
}

const range = (label, min, max) => [label, { type: "range", min, max }];
const CONTROLS = {
  depth: range("layers", 1, 5),
  layer: range("layer to change", 1, 5),
  kernel_size: range("kernel k", 1, 7),
  stride: range("stride s", 1, 3),
  padding: range("padding p", 0, 3),
  dilation: range("dilation d", 1, 4),
  at: range("output", 0, 2),
};
const [WIDTH, LEFT, TOP, STEP] = [330, 82, 40, 54]; // in units of the viewBox
const clamp = (v, low, high) => Math.max(low, Math.min(high, v));

function draw(state, layers, { svg, line, notes, inputs }) {
  const [sizes, found, depth] = [lengths(layers), fields(layers), layers.length];
  state.at = Math.min(state.at, sizes[depth] - 1);
  const [levels, words] = [seen(layers, state.at), spell(layers, state.at)];
  inputs.layer.max = depth;
  inputs.at.max = sizes[depth] - 1;
  for (const key of ["layer", ...Object.keys(FRESH)]) {
    inputs[key].max = Math.max(inputs[key].max, state[key]); // Python may go beyond
    inputs[key].value = state[key];
    say(inputs[key], state[key]);
  }
  line.textContent = words.line;
  notes.textContent = words.notes.join("\n");
  svg.setAttribute("aria-label", `${words.line} ${words.notes.join(". ")}`);

  const { size, jump, start } = found[depth];
  const [low, high] = [Math.min(0, start), start + (sizes[depth] - 1) * jump + size - 1];
  const unit = (WIDTH - LEFT - 16) / (Math.max(high, sizes[0] - 1) - low);
  const X = (j, l) => LEFT + 8 + unit * (found[l].start + j * found[l].jump + (found[l].size - 1) / 2 - low);
  const Y = (l) => TOP + l * STEP;
  svg.setAttribute("viewBox", `0 0 ${WIDTH} ${Y(depth) + 40}`);
  svg.setAttribute("width", 1.4 * WIDTH);
  const put = (name, d) => layer(svg, "path", name).setAttribute("d", d);
  const point = (j, l) => `${X(j, l)} ${Y(l)}`;
  const edge = (end) => levels.map(({ ends }, l) => point(ends[end], l));
  put("explore-link", `M${[...edge(0), ...edge(1).reverse()].join("L")}z`);
  put("field-links", levels.flatMap(({ links }, l) =>
    links.map(([j, o]) => `M${point(j, l)}L${point(o, l + 1)}`)).join(""));
  const dots = levels.map(({ real, padded }, l) => {
    const r = clamp(0.38 * unit * found[l].jump, 1, 6);
    const half = (r) => `a${r} ${r} 0 0 1 ${2 * r} 0`;
    const ring = (j) => `M${X(j, l) - r} ${Y(l)}${half(r)}${half(-r)}`;
    const cross = (j) => `M${X(j, l) - r} ${Y(l) - r}l${2 * r} ${2 * r}m0 ${-2 * r}l${-2 * r} ${2 * r}`;
    return [[...Array(sizes[l]).keys()].map(ring), real.map(ring), padded.map(cross)];
  });
  ["all", "seen", "padded"].forEach((kind, i) =>
    put(`field-${kind}`, dots.flatMap((shapes) => shapes[i]).join("")));

  const texts = layer(svg, "g", "field-texts");
  texts.replaceChildren();
  const text = (x, y, words, kind = "") => add(texts, "text", { x, y, class: kind }, words);
  const [a, b] = levels[0].ends.map((j) => X(j, 0));
  const bracket = (from, to, y, h) => `M${from} ${y + h}v${-h}H${to}v${h}`;
  const [c, d] = [X(0, depth), X(1, depth)];
  put("field-brackets", bracket(a, b, TOP - 16, 5) + bracket(c, d, Y(depth) + 16, -5));
  text(Math.min((a + b) / 2, WIDTH - 26), TOP - 22, `size ${size}`, "middle");
  text((c + d) / 2, Y(depth) + 31, `jump ${jump}`, "middle");
  text(0, TOP + 3, "input x");
  text(0, Y(depth) + 7, "output");
  layers.map(short).forEach(({ k, s, p, d }, l) => {
    text(7, Y(l) + 32, l + 1, "bold");
    [`k${k}`, `p${p}`, `s${s}`, `d${d}`].forEach((words, i) =>
      text(i < 2 ? 24 : 50, Y(l) + (i % 2 ? 40 : 24), words));
  });
  const y = Y(state.layer - 1) + 9;
  put("explore-window", `M2 ${y}h${LEFT - 6}v36h${6 - LEFT}z`);

  return (x, y) => {
    if (y < Y(depth) - 12) return { layer: clamp(Math.ceil((y - TOP) / STEP), 1, depth) };
    return { at: clamp(Math.round((x - X(0, depth)) / (unit * jump)), 0, sizes[depth] - 1) };
  };
}

/** The model as sliders see it: `depth`, and the chosen layer's numbers. */
const facade = (model) => ({
  get: (name) => name === "depth" ? model.get("layers").length
    : name in FRESH ? model.get("layers")[model.get("layer") - 1][name] : model.get(name),
  set: (name, value) => ["layer", "at"].includes(name) && model.set(name, value),
  on: (event, listener) => model.on(/:(layer|at)$/.test(event) ? event : "change:layers", listener),
  save_changes: () => model.save_changes(),
});

export default {
  render: ({ model, el }) => explore({ model: facade(model), el }, "Receptive field", CONTROLS,
    (state, parts) => {
      model.set("layers", edited(model.get("layers"), model.get("layer"), state));
      return draw(state, model.get("layers"), parts);
    }, "explore-rows"),
};
