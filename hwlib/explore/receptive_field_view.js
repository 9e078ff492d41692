// How the receptive field is drawn.

const more = ([label, attributes]) => [label, { ...attributes, more: true }];
const CONTROLS = {
  depth: range("layers", 1, 5),
  at: range("output", 0, 2),
  layer: more(range("layer to change", 1, 5)),
  kernel_size: more(range("kernel k", 1, 7)),
  stride: more(range("stride s", 1, 3)),
  padding: more(range("padding p", 0, 3)),
  dilation: more(range("dilation d", 1, 4)),
  layers: ["each layer: kernel, stride, padding, dilation", { type: "text", more: true }],
  back: ["", { type: "hidden" }],
};

/** Where things stand, in units of the viewBox: the levels between `left` and `right`. */
const layout = (columns) => matchMedia("(min-width: 40rem)").matches
  ? { width: 760, left: 86 + 68 * Math.max(columns, 2), right: 670, top: 62, high: 290, wide: true }
  : { width: 330, left: 118, right: 302, top: 62, high: 325 };

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
  const first = Math.max(0, depth - state.back); // the level to which it has looked back
  line.textContent = first ? partly(levels, state.back, state.at) : words.line;
  notes.textContent = words.notes.join("\n");
  svg.setAttribute("aria-label", `${words.line} ${words.notes.join(" ")}`);

  const at = layout(shown(layers).length);
  const { width, left, right, top, high, wide } = at;
  const { size, jump } = found[depth];
  const place = (j, l) => found[l].start + j * found[l].jump + (found[l].size - 1) / 2;
  // From the first that the first output would see to the last of the last one, padding or not.
  const [low, most] = [Math.min(0, found[depth].start), Math.max(sizes[0] - 1, found[depth].start + (sizes[depth] - 1) * jump + size - 1, 1)];
  const unit = Math.min((right - left - 16) / (most - low), 44);
  const shift = (left + right - unit * (most - low)) / 2;
  const X = (j, l) => shift + unit * (place(j, l) - low);
  const step = high / Math.max(depth, 2);
  const Y = (l) => top + l * step;
  svg.setAttribute("viewBox", `-2 0 ${width + 4} ${top + high + 52}`);
  svg.setAttribute("width", width + 4);
  const put = (name, d) => layer(svg, "path", name).setAttribute("d", d);
  const point = (j, l) => `${X(j, l)} ${Y(l)}`;
  const looked = levels.map((level, l) => (l < first ? { real: [], outside: [], links: [] } : level));
  const spans = looked.map(({ real, outside }) => [Math.min(...real, ...outside), Math.max(...real, ...outside)]);
  const edge = (end) => spans.map((span, l) => point(span[end], l)).filter((at) => !/Inf|NaN/.test(at));
  put("explore-link", `M${[...edge(0), ...edge(1).reverse()].join("L")}z`);
  put("field-links", looked.flatMap(({ links }, l) =>
    links.map(([j, o]) => `M${point(j, l)}L${point(o, l + 1)}`)).join(""));
  const r = (l) => clamp(0.36 * unit * found[l].jump, 1, 9);
  const dots = looked.map(({ real, outside }, l) => {
    const half = (r) => `a${r} ${r} 0 0 1 ${2 * r} 0`;
    const ring = (j) => `M${X(j, l) - r(l)} ${Y(l)}${half(r(l))}${half(-r(l))}`;
    const cross = (j) => `M${X(j, l) - r(l)} ${Y(l) - r(l)}l${2 * r(l)} ${2 * r(l)}m0 ${-2 * r(l)}l${-2 * r(l)} ${2 * r(l)}`;
    return [[...Array(sizes[l]).keys()].map(ring), real.map(ring), outside.map(cross)];
  });
  ["all", "seen", "outside"].forEach((kind, i) =>
    put(`field-${kind}`, dots.flatMap((shapes) => shapes[i]).join("")));

  const texts = layer(svg, "g", "field-texts");
  texts.replaceChildren();
  const text = (x, y, words, kind = "") => add(texts, "text", { x, y, class: kind }, words);
  marks(layers, { first, looked, sizes, X, Y, unit, ...at }, put, text);

  const spot = (x, y, width, height, name, kind = "") =>
    add(texts, "rect", { x, y, width, height, rx: 4, ...(name && { "data-spot": name }), class: kind });
  rows(layers, { wide, middle: (l) => (Y(l) + Y(l + 1)) / 2 }, spot, text);
  put("field-chosen", `M-1 ${(Y(state.layer - 1) + Y(state.layer)) / 2 - 30}h${left - 6}v60h${6 - left}z`);
  spot(left - 20, Y(depth) - 12, right - left + 40, 24, "output");
  put("field-held", `M${X(state.at, depth) - 12} ${Y(depth)}a12 12 0 0 1 24 0a12 12 0 0 1 -24 0z`);
  svg.append(layer(svg, "path", "field-held"));
  layer(svg, "path", "field-held").dataset.grip = "output";

  return (x, y, name) => {
    if (name === "output") return { back: ALL, at: clamp(Math.round((x - X(0, depth)) / (unit * jump)), 0, sizes[depth] - 1) };
    const [key, which, by] = name.split(" ");
    const after = layers.map((layer) => ({ ...layer }));
    after[which - 1][key] = Math.max(key === "padding" ? 0 : 1, after[which - 1][key] + +by);
    return chosen(toRows(after), +which);
  };
}

const stack = (rows, at = 1) => ({ ...chosen(rows, 1), at });
const [CONV, SAME] = [[3, 1, 0, 1], [3, 1, 1, 1]];
const FIGURE = {
  title: "Receptive field",
  invite: "Press Play to look back from the output. Drag it, or change a layer with + and −.",
  controls: CONTROLS,
  presets: {
    "Size 3, four times": stack([CONV, CONV, CONV, CONV]),
    "Dilated 1, 2, 4": stack([CONV, [3, 1, 0, 2], [3, 1, 0, 4]]),
    "Dilated 2, 2: gaps": stack([[3, 1, 0, 2], [3, 1, 0, 2]]),
    "Padded edge": stack([SAME, SAME, SAME], 0),
  },
  play: {
    first: () => ({ back: 0 }),
    next: ({ depth, back }) => (back < depth ? { back: back + 1 } : null),
    every: 1000,
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
        if (state.back === before?.back) parts.inputs.back.value = state.back = ALL; // something else has changed
        before = { back: state.back, rows: JSON.stringify(state.layers), layer: state.layer };
        return draw(state, layers, parts);
      },
    });
  },
};
