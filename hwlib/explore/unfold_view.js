// Convolution as matrix product: drag the window or its column, edit the numbers; or fold back.

const CONTROLS = {
  direction: ["direction", { type: "select", options: { unfold: "unfold", fold: "fold" } }],
  stride: range("stride s", 1, 3),
  at: ["window", { type: "range", min: 0, max: 0, more: true }],
  x: ["image x", { type: "text", more: true }],
  weight: ["filter w", { type: "text", more: true }],
};

function draw(state, { svg, line, notes, inputs }) {
  const result = unfolded(state);
  const { image, filter, output, pixels, row, columns } = result;
  const fold = state.direction === "fold";
  const last = pixels.length - 1;
  const at = (state.at = Math.min(state.at, last));
  const words = tell(state, result, at);
  inputs.at.max = last;
  say(inputs.at, `${at}`);
  colored(line, words.line, ["c", "a"]);
  notes.textContent = words.notes.join("\n");
  const { sums, copies } = folded(result, at);
  const all = folded(result, last).copies;
  svg.setAttribute("aria-label", `${words.line} ` +
    (fold ? `The pixels: ${unparse(sums)}. Copies: ${unparse(copies)}.` : `The whole output: ${unparse(output)}.`));

  const place = layout(result, fold);
  const { middles: [one, two, three], below } = place;
  const width = Math.max(place.width + (wide() ? 0 : 0.8), wide() ? 17.5 : 10.6);
  const type = (size) => `font-size: ${Math.max(size, wide() ? 0 : 1.32 * width)}px`; // legible on a phone
  const { cell, word } = grids(svg);
  const shade = shades(image); // a pixel's copies look like it
  const high = Math.max(image.length, filter.length);

  /** A grid around a middle, with its name; `look(v, i, j)` gives a cell's attributes. Returns its corner. */
  function grid(middle, name, kind, rows, look, y = (high - rows.length) / 2) {
    const x = middle - rows[0].length / 2;
    if (name) word(x, y - 0.33, name, { class: `title ${kind}`, style: type(15) });
    rows.forEach((entries, i) => entries.forEach((v, j) => cell(x + j, y + i, v, look(v, i, j))));
    return [x, y];
  }
  const sign = (x, text, y = high / 2) => word(x, y, text, { class: "sign", "font-size": 20 });
  /** An arrow from a grid to what becomes of it, with what that is called. */
  const arrows = [];
  function arrow(x, from, to, text, side = 1) {
    const tip = (to > from ? -0.16 : 0.16) + to;
    arrows.push(`M${x * C} ${from * C}V${to * C}M${(x - 0.13) * C} ${tip * C}L${x * C} ${to * C}L${(x + 0.13) * C} ${tip * C}`);
    word(x + 0.25 * side, (from + to) / 2, text, { class: side > 0 ? "start" : "end", style: type(14) });
  }

  const n = (i, j) => i * output[0].length + j;
  const original = (v, i, j) => ({
    class: all[i][j] ? "pixel" : "pixel missed", "data-cell": `x ${i} ${j}`, shade: shade(v) });
  const later = (n) => (n > at ? (fold ? "waits" : "later") : "");
  let corner, strip, product, whole;
  if (fold) {
    corner = grid(one, "sum", "b", sums, (_, i, j) => ({ class: copies[i][j] ? "output" : "output waits" }));
    grid(two, "copies", "", copies, (v) => ({ class: "count", shade: [Math.min(v / 8, 0.5), ""] }));
    grid(three, "image x", "a", image, original, wide() ? undefined : below);
    if (at === last) sign((one + two) / 2, "/"), sign((two + three) / 2, "=", wide() ? high / 2 : high + 0.5);
    arrow(one, below - 0.55, high + 0.2, "fold: add up");
  } else {
    grid(one, "filter w", "c", filter, (_, i, j) => ({ class: "filter", "data-cell": `weight ${i} ${j}` }));
    corner = grid(two, "image x", "a", image, original);
    whole = grid(three, "output y", "b", output, (_, i, j) => ({ class: `output ${later(n(i, j))}`, "data-spot": n(i, j) }));
    const half = image[0].length / 2; // signs stand midway between two edges
    sign((one + filter[0].length / 2 + two - half) / 2, "∗");
    sign((two + half + three - output[0].length / 2) / 2, "=");
    arrow(two, high + 0.15, below - 0.6, "unfold");
  }
  const top = below + (row.length - 1) / 2;
  const matrix = grid(place.matrix, "", "", columns, (v, _, j) =>
    ({ class: `pixel ${later(j)}`, "data-spot": j, shade: shade(v) }), below);
  columns[0].forEach((_, j) => word(matrix[0] + j + 0.5, below - 0.28, j, { class: "index", style: type(12) }));
  if (!fold) {
    const [left, right] = [place.row - row.length / 2, place.row + row.length / 2];
    strip = grid(place.row, "", "", [row], () => ({ class: "filter" }), top);
    product = grid(place.product[0], "", "", [output.flat()], (_, __, j) =>
      ({ class: `output ${later(j)}`, "data-spot": j }), place.product[1]);
    sign(matrix[0] - 0.55, "×", top + 0.5);
    const [start, end] = [filter, output].map((rows) => (high + rows.length) / 2 + 0.15); // below them
    arrow(Math.max(left + 0.5, Math.min(right - 0.5, one)), start, top - 0.15, "flatten");
    if (wide()) {
      sign((matrix[0] + columns[0].length + product[0]) / 2, "=", top + 0.5);
      arrow(three, top - 0.15, end, "reshape");
    } else { // around the matrix
      sign(matrix[0] - 0.55, "=", place.product[1] + 0.5);
      const [edge, y] = [matrix[0] + columns[0].length, place.product[1] + 0.5];
      arrows.push(`M${(edge + 0.1) * C} ${y * C}h${0.25 * C}V${(high + 0.6) * C}H${three * C}`);
      arrow(three, high + 0.6, end, "reshape", -1);
    }
  }
  show(svg, [(place.width - width) / 2 - 0.05, -0.65, width + 0.1, Math.max(place.height, wide() ? high + 5.45 : 0) + 0.7]);

  const [[i, j], [tall, across]] = [pixels[at][0], [filter.length, filter[0].length]];
  outline(svg, "unfold-arrow", arrows.join(""));
  const [x0, y0] = corner;
  outline(svg, "explore-window", box(x0 + j, y0 + i, across, tall), "window");
  outline(svg, "unfold-column", box(matrix[0] + at, below, 1, row.length), "column");
  outline(svg, "unfold-row", fold ? "" : box(...strip, row.length, 1));
  const copied = pixels.slice(0, at + 1).flatMap((places, n) =>
    places.flatMap(([a, b], t) => (a === i && b === j ? [box(matrix[0] + n, below + t)] : [])));
  outline(svg, "unfold-copies", fold ? box(x0 + j, y0 + i) + copied.join("") : ""); // that this pixel got
  const [o, q] = [Math.floor(at / output[0].length), at % output[0].length];
  outline(svg, "explore-target", fold ? "" : box(product[0] + at, product[1]) + box(whole[0] + q, whole[1] + o));
  tag(svg, [[x0 + j + across, y0 + i], [matrix[0] + at + 0.5, below - 0.28]], at, type(13));

  return (x, y, name) => {
    if (name === "column") return { at: within(Math.floor(x / C - matrix[0]), last + 1) };
    if (name !== "window") return { at: +name };
    const nearest = (v, size, count) => within(Math.round((v - size / 2) / state.stride), count);
    return { at: n(nearest(y / C - y0, tall, output.length), nearest(x / C - x0, across, output[0].length)) };
  };
}

const FIGURE = {
  title: "Unfold, multiply, fold",
  invite: "Press Play, or drag the blue column. Click a number of the image to change it.",
  controls: CONTROLS,
  presets: ({ weight }) => ({
    "Stride 1: copies": { weight, stride: 1, direction: "unfold", at: 0 },
    "Stride 2: no copies": { weight, stride: 2, direction: "unfold", at: 0 },
    "1 × 3 filter: 3 rows": { weight: [[1, -1, 1]], stride: 1, direction: "unfold", at: 0 },
    "Fold adds up": { stride: 1, direction: "fold", at: 5 },
  }),
  play: {
    first: () => ({ at: 0 }),
    next: (state) => (state.at < unfolded(state).pixels.length - 1 ? { at: state.at + 1 } : null),
    every: 1000,
  },
  draw,
};

export default { render: (context) => editable(explore(context, FIGURE)) };
