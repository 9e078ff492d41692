// A row for each layer of a receptive field: what it is, and buttons that change it.

const [BOX, TALL] = [20, 22];

/** What a layer is likely to be: pooling if its windows lie side by side. */
const kind = ({ kernel_size: k, stride: s, padding: p, dilation: d }) => (k > 1 && k === s && !p && d === 1 ? "pool" : "conv");

/** What the picture lets change: padding and dilation only where a layer has some. */
export const shown = (layers) => Object.keys(FRESH)
  .filter((key, i) => i < 2 || layers.some((one) => one[key] !== FRESH[key]));

/** Names and buttons. `middle(l)` is the height of row l; where it is not `wide` padding and dilation are only said. */
export function rows(layers, { wide, middle }, spot, text) {
  const pill = (x, y, width) => spot(x, y, width, TALL, "", "field-pill");
  const step = (key, l, by, x, y) => {
    spot(x, y, BOX, TALL, `${key} ${l + 1} ${by}`, "field-step");
    text(x + BOX / 2, y + 16, by < 0 ? "−" : "+", "middle");
  };
  const keys = shown(layers).slice(0, wide ? 4 : 2);
  layers.forEach((one, l) => {
    const y = middle(l);
    text(0, wide ? y + 5 : y - 19, `${l + 1} ${kind(one)}`, "bold");
    keys.forEach((key, i) => {
      const name = key.split("_")[0];
      if (wide) {
        const x = 66 + 68 * i;
        if (!l) text(x + 28, y - 17, name, "tiny middle");
        pill(x, y - TALL / 2, 56);
        step(key, l, -1, x, y - TALL / 2);
        text(x + 28, y + 5, one[key], "middle");
        step(key, l, 1, x + 36, y - TALL / 2);
      } else {
        const top = y - 14 + 23 * i;
        text(0, top + 16, `${name} ${one[key]}`);
        pill(66, top, 44);
        step(key, l, -1, 66, top);
        step(key, l, 1, 90, top);
      }
    });
    const others = [["padding", 0], ["dilation", 1]].filter(([key, usual]) => !wide && one[key] !== usual);
    text(60, y - 19, others.map(([key]) => `${key.slice(0, 3)}. ${one[key]}`).join(" "), "tiny");
  });
}

/** What the controls show of these rows where this layer is chosen. */
function chosen(rows, layer) {
  return { layers: rows, depth: rows.length, layer, ...fromRows(rows)[layer - 1] };
}

const ALL = 5; // layers, the most there are

/** The model as the controls see it: layers as rows, `depth`, the chosen layer's numbers, and through how many layers the output looks `back`. */
function facade(model) {
  let back = ALL;
  return {
    get: (name) => name === "layers" ? toRows(model.get("layers"))
      : name === "depth" ? model.get("layers").length
        : name in FRESH ? model.get("layers")[model.get("layer") - 1][name] : name === "back" ? back : model.get(name),
    set(name, value) {
      if (name === "back") back = value;
      else if (name === "layers") model.set(name, fromRows(value));
      else if (["layer", "at"].includes(name)) model.set(name, value);
    },
    on: (event, listener) => model.on(/:(layer|at)$/.test(event) ? event : "change:layers", listener),
    save_changes: () => model.save_changes(),
  };
}
