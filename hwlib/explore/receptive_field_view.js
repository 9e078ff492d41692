// How the receptive field is drawn.

const CONTROLS = {
  depth: range("layers", 1, 5),
  layer: range("layer to change", 1, 5),
  kernel_size: range("kernel k", 1, 7),
  stride: range("stride s", 1, 3),
  padding: range("padding p", 0, 3),
  dilation: range("dilation d", 1, 4),
  at: range("output", 0, 2),
  layers: ["all layers: kernel, stride, padding, dilation;", { type: "text" }],
};
const [WIDTH, LEFT, TOP, STEP] = [330, 132, 40, 68]; // in units of the viewBox
const clamp = (v, low, high) => Math.max(low, Math.min(high, v));

function draw(state, layers, { svg, line, notes, inputs }) {
  const [sizes, found, depth] = [lengths(layers), fields(layers), layers.length];
  state.at = Math.min(state.at, sizes[depth] - 1);
  const [levels, words] = [seen(layers, state.at), spell(layers, state.at)];
  inputs.layer.max = depth;
  inputs.at.max = sizes[depth] - 1;
  inputs.layers.value = unparse(toRows(layers));
  for (const key of ["depth", "layer", ...Object.keys(FRESH)]) {
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
  text(0, TOP, "input x");
  text(0, Y(depth) + 13, "output");
  const spot = (x, y, width, height, name) =>
    add(texts, "rect", { x, y, width, height, rx: 4, "data-spot": name });
  layers.forEach((layer, l) => {
    spot(2, Y(l) + 7, LEFT - 6, 56, `layer ${l + 1}`);
    text(7, Y(l) + 23, l + 1, "bold");
    [["kernel_size", "kernel"], ["stride", "stride"]].forEach(([key, word], i) => {
      const y = Y(l) + 8 + 23 * i; // of the row
      text(19, y + 15, `${word} ${layer[key]}`);
      [["−", -1], ["+", 1]].forEach(([sign, by], k) => {
        const x = LEFT - 55 + 25 * k;
        spot(x, y, 24, 22, `${key} ${l + 1} ${by}`).setAttribute("class", "field-step");
        text(x + 12, y + 16, sign, "middle");
      });
    });
    const others = [["padding", 0], ["dilation", 1]].filter(([key, usual]) => layer[key] !== usual);
    text(19, Y(l) + 62, others.map(([key]) => `${others[1] ? key.slice(0, 3) + "." : key} ${layer[key]}`).join(", "), "small");
  });
  const y = Y(state.layer - 1) + 7;
  put("explore-window", `M2 ${y}h${LEFT - 6}v58h${6 - LEFT}z`);
  spot(LEFT, Y(depth) - 12, WIDTH - LEFT, 24, "output");
  put("field-held", `M${X(state.at, depth) - 9} ${Y(depth)}a9 9 0 0 1 18 0a9 9 0 0 1 -18 0z`);
  layer(svg, "path", "field-held").dataset.grip = "output";

  return (x, y, name) => {
    if (name === "output") return { at: clamp(Math.round((x - X(0, depth)) / (unit * jump)), 0, sizes[depth] - 1) };
    const [key, which, by] = name.split(" ");
    if (key === "layer") return { layer: +which };
    const rows = layers.map((layer) => ({ ...layer }));
    rows[which - 1][key] = Math.max(1, rows[which - 1][key] + +by);
    return chosen(toRows(rows), +which);
  };
}

/** What the controls show of these rows where this layer is chosen. */
function chosen(rows, layer) {
  return { layers: rows, depth: rows.length, layer, ...fromRows(rows)[layer - 1] };
}

/** The model as the controls see it: layers as rows, `depth`, and the chosen layer's numbers. */
const facade = (model) => ({
  get: (name) => name === "layers" ? toRows(model.get("layers"))
    : name === "depth" ? model.get("layers").length
      : name in FRESH ? model.get("layers")[model.get("layer") - 1][name] : model.get(name),
  set: (name, value) => name === "layers" ? model.set(name, fromRows(value))
    : ["layer", "at"].includes(name) && model.set(name, value),
  on: (event, listener) => model.on(/:(layer|at)$/.test(event) ? event : "change:layers", listener),
  save_changes: () => model.save_changes(),
});

const stack = (...rows) => ({ ...chosen(rows, 1), at: 1 });
const [CONV, SAME, POOL] = [[3, 1, 0, 1], [3, 1, 1, 1], [2, 2, 0, 1]];
const FIGURE = {
  title: "Receptive field",
  invite: "Press + and −, or drag the ringed output.",
  controls: CONTROLS,
  presets: {
    "3 × 3 four times: 9": stack(CONV, CONV, CONV, CONV),
    "VGG with pooling: 14": stack(SAME, SAME, POOL, SAME, SAME),
    "Dilated 1, 2, 4: 15": stack(CONV, [3, 1, 0, 2], [3, 1, 0, 4]),
    "Dilated 2, 2: gaps": stack([3, 1, 0, 2], [3, 1, 0, 2]),
  },
};

export default {
  render({ model, el }) {
    let before; // the layers and the chosen one, as they were drawn
    explore({ model: facade(model), el }, {
      ...FIGURE,
      draw(state, parts) {
        let layers = fromRows(state.layers);
        if (JSON.stringify(state.layers) === before?.rows) layers = edited(layers, before.layer, state);
        else {
          state.layer = Math.min(state.layer, layers.length);
          Object.assign(state, layers[state.layer - 1], { depth: layers.length });
        }
        state.layers = toRows(layers);
        before = { rows: JSON.stringify(state.layers), layer: state.layer };
        return draw(state, layers, parts);
      },
    });
  },
};
