// How windows and columns are drawn: image, matrix, filter row and output as in a product by hand.

const CONTROLS = {
  direction: ["direction", { type: "select", options: {
    unfold: "unfold: windows to columns", fold: "fold: columns to pixels" } }],
  at: ["window", { type: "range", min: 0, max: 0 }],
  stride: ["stride s", { type: "range", min: 1, max: 3 }],
  x: ["image x", { type: "text" }],
  weight: ["filter w", { type: "text" }],
};
const C = 40; // the side of a cell, in units of the viewBox
const box = (x, y, w, h) => `M${x * C} ${y * C}h${w * C}v${h * C}h${-w * C}z`;

/** Where the parts stand and how large all is, in cells; of each part its upper left corner. */
function layout({ image, filter, output, row, columns }) {
  const [left, below] = [Math.max(image[0].length, row.length) + 1, Math.max(image.length, row.length) + 0.9];
  const last = below + 1.9;
  return {
    image: [0, 0], matrix: [left, below - 0.9 - row.length], row: [left - 1 - row.length, below], product: [left, below],
    filter: [0, last], output: [left, last], copies: [0, below], original: [left, below],
    width: left + Math.max(columns[0].length, output[0].length, image[0].length, 4), // 4: titles need room
    height: Math.max(last + Math.max(filter.length, output.length), below + image.length),
  };
}

function draw(state, { svg, line, notes, inputs }) {
  const result = unfolded(state);
  const { image, filter, output, pixels, row, columns } = result;
  const fold = state.direction === "fold";
  const last = pixels.length - 1;
  const at = (state.at = Math.min(state.at, last));
  const words = tell(state, result, at);
  inputs.at.max = last;
  say(inputs.at, `${at}`);
  line.textContent = words.line;
  notes.textContent = words.notes.join("\n");
  const { sums, copies } = folded(result, at);
  const all = folded(result, last).copies;
  svg.setAttribute("aria-label", `${words.line} ` +
    (fold ? `The pixels: ${unparse(sums)}. Copies: ${unparse(copies)}.` : `The whole output: ${unparse(output)}.`));

  const place = layout(result);
  svg.setAttribute("viewBox", `-2 -26 ${place.width * C + 4} ${place.height * C + 28}`);
  svg.setAttribute("width", 46 * place.width); // px at most: the css shrinks it to fit
  const cells = layer(svg, "g", "explore-cells");
  cells.replaceChildren();
  const [low, high] = [Math.min, Math.max].map((f) => f(...image.flat()));
  const shade = (v) => (high > low ? (0.5 * (v - low)) / (high - low) : 0); // a pixel's copies look like it

  /** A grid of numbers under its title; `look(v, i, j)` gives a cell's attributes, and its shade. */
  function grid([x, y], title, rows, look) {
    add(cells, "text", { class: "title", x: x * C, y: y * C - 11 }, title);
    rows.forEach((entries, i) => entries.forEach((v, j) => {
      const { shade, ...attributes } = look(v, i, j);
      const g = add(cells, "g", { ...attributes, transform: `translate(${(x + j) * C} ${(y + i) * C})` });
      const rect = add(g, "rect", { width: C, height: C });
      if (shade !== undefined) rect.style.fillOpacity = shade;
      const text = typeset(v);
      add(g, "text", { x: 20, y: 20, "font-size": Math.min(18, 68 / text.length) }, text);
    }));
  }
  const wide = columns[0].length;
  const n = (i, j) => i * output[0].length + j;
  const original = (v, i, j) => ({
    class: all[i][j] ? "pixel" : "pixel missed", "data-cell": `x ${i} ${j}`, shade: shade(v) });
  const later = (n) => (n > at ? (fold ? "waits" : "later") : "");

  if (fold) {
    grid(place.image, "sum so far", sums, (_, i, j) => ({ class: copies[i][j] ? "output" : "output waits" }));
    grid(place.copies, "copies so far", copies, (v) => ({ class: "count", shade: Math.min(v / 8, 0.5) }));
    grid(place.original, "image x", image, original);
  } else {
    grid(place.image, "image x", image, original);
    grid(place.row, "filter w, as a row", [row], () => ({ class: "filter" }));
    grid(place.filter, "filter w", filter, (_, i, j) => ({ class: "filter", "data-cell": `weight ${i} ${j}` }));
    grid(place.product, "row times column", [output.flat()], (_, __, j) =>
      ({ class: `output ${later(j)}`, "data-spot": j }));
    grid(place.output, "output y", output, (_, i, j) => ({ class: `output ${later(n(i, j))}`, "data-spot": n(i, j) }));
  }
  grid(place.matrix, "windows as columns", columns, (v, _, j) =>
    ({ class: `pixel ${later(j)}`, "data-spot": j, shade: shade(v) }));

  const outline = (name, d) => {
    const path = layer(svg, "path", name);
    svg.append(path); // over the cells
    path.setAttribute("d", d);
    return path;
  };
  const [[i, j], [high_, wide_]] = [pixels[at][0], [filter.length, filter[0].length]];
  outline("explore-window", box(j, i, wide_, high_)).dataset.grip = "window";
  outline("unfold-column", box(place.matrix[0] + at, place.matrix[1], 1, row.length)).dataset.grip = "column";
  const [o, q] = [Math.floor(at / output[0].length), at % output[0].length];
  outline("unfold-row", fold ? "" : box(...place.row, row.length, 1));
  outline("explore-target", fold ? "" : box(place.product[0] + at, place.product[1], 1, 1) +
    box(place.output[0] + q, place.output[1] + o, 1, 1));

  return (x, y, name) => {
    if (name === "column") return { at: Math.max(0, Math.min(wide - 1, Math.round(x / C - place.matrix[0] - 0.5))) };
    if (name !== "window") return { at: +name };
    const nearest = (v, size, count) =>
      Math.max(0, Math.min(count - 1, Math.round((v / C - size / 2) / state.stride)));
    return { at: n(nearest(y, high_, output.length), nearest(x, wide_, output[0].length)) };
  };
}

const SHOW = { stride: 1, at: 0 };
const FIGURE = {
  title: "A convolution as one matrix product",
  invite: "Press Play, or drag the blue window. Click a number to change it.",
  controls: CONTROLS,
  presets: {
    "2 × 3 filter: 6 rows": { ...SHOW, direction: "unfold", weight: [[1, 0, -1], [-1, 2, 1]] },
    "Fold adds up the copies": { stride: 1, direction: "fold", at: 5 },
    "4 × 4, stride 2: no copies": { x: [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11], [12, 13, 14, 15]], direction: "unfold", stride: 2, at: 0 },
  },
  play: {
    first: () => ({ at: 0 }),
    next: (state) => (state.at < unfolded(state).pixels.length - 1 ? { at: state.at + 1 } : null),
    every: 1000,
  },
  draw,
  look: "explore-lead",
};

export default { render: (context) => editable(explore(context, FIGURE)) };
