// How the receptive field is drawn.

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
  svg.dataset.spot = "";
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
  render: ({ model, el }) => explore({ model: facade(model), el }, {
    title: "Receptive field", invite: "", controls: CONTROLS, look: "explore-rows",
    draw(state, parts) {
      model.set("layers", edited(model.get("layers"), model.get("layer"), state));
      return draw(state, model.get("layers"), parts);
    },
  }),
};
