// Convolution with stride, padding and dilation: drag the window, read its products.

const list = (length, f) => Array.from({ length }, (_, i) => f(i));

/** What each window reads along one axis, as positions in x; outside 0 ... n - 1 is padding. */
function windows(n, k, { stride, padding, dilation }) {
  if (stride < 1 || padding < 0 || dilation < 1)
    throw new RangeError("Stride and dilation start at 1, padding at 0.");
  const [room, span] = [n + 2 * padding, dilation * (k - 1) + 1];
  if (span > room)
    throw new RangeError(`No output: the window spans ${span}, the padded input only ${room}.`);
  const size = Math.floor((room - span) / stride) + 1;
  return list(size, (o) => list(k, (t) => o * stride + t * dilation - padding));
}

/** Torch's conv1d or conv2d of one channel; `look(o, q)` gives one window's terms and sum. */
export function convolve({ x, weight, ...geometry }) {
  const flat = !x[0].length;
  if (flat === weight[0].length > 0)
    throw new RangeError("Input and filter must both have rows (“;” ends a row), or neither.");
  const [image, filter] = flat ? [[x], [weight]] : [x, weight];
  const rows = flat ? [[0]] : windows(image.length, filter.length, geometry);
  const columns = windows(image[0].length, filter[0].length, geometry);
  const look = (o, q) => {
    const term = (a, b) => {
      const entry = image[rows[o][a]]?.[columns[q][b]];
      return { x: entry ?? 0, w: filter[a][b], padded: entry === undefined };
    };
    const terms = filter.map((row, a) => row.map((_, b) => term(a, b)));
    return { terms, sum: terms.flat().reduce((sum, { x, w }) => sum + x * w, 0) };
  };
  const output = rows.map((_, o) => columns.map((_, q) => look(o, q).sum));
  return { flat, image, filter, rows, columns, look, output };
}

const CONTROLS = {
  x: ["input x", { type: "text" }],
  weight: ["filter w", { type: "text" }],
  stride: ["stride s", { type: "range", min: 1, max: 4 }],
  padding: ["padding p", { type: "range", min: 0, max: 3 }],
  dilation: ["dilation d", { type: "range", min: 1, max: 3 }],
  at: ["output", { type: "range", min: 0, max: 0 }],
};
const C = 40; // the side of a cell, in units of the viewBox
const factor = (v) => (v < 0 ? `(${typeset(v)})` : typeset(v));
const extent = (taps) => taps.at(-1) - taps[0] + 1;

/** The products of window (o, q) in one line, the sizes and what they leave out in another. */
export function spell({ stride: s, padding: p, dilation: d }, result, o, q) {
  const { flat, image, filter, rows, columns } = result;
  const { terms, sum } = result.look(o, q);
  const product = ({ x, w, padded }) => `${padded ? "[0]" : factor(x)}·${factor(w)}`;
  const products = terms.map((row) => row.map(product).join(" + ")).join(" +\n");
  const y = flat ? `y[${q}]` : `y[${o}, ${q}]`;
  const size = (n, k, m) => `⌊(${n} + 2·${p} − ${d}·(${k} − 1) − 1) / ${s}⌋ + 1\n` +
    `= ⌊${n + 2 * p - d * (k - 1) - 1} / ${s}⌋ + 1 = ${m}`;
  const high = size(image.length, filter.length, rows.length);
  const wide = size(image[0].length, filter[0].length, columns.length);
  const notes = flat ? [`size = ${wide}`]
    : high === wide ? [`rows = columns = ${wide}`] : [`rows = ${high}`, `columns = ${wide}`];
  if (p) notes.push("Dashed cells, and [0], are padding.");
  const cells = (image.length + (flat ? 0 : 2 * p)) * (image[0].length + 2 * p);
  const missed = cells - new Set(rows.flat()).size * new Set(columns.flat()).size;
  if (missed) notes.push(`Struck out: in no window (${missed} of ${cells}).`);
  return { y, line: `${y} =${flat ? " " : "\n"}${products} = ${typeset(sum)}`, notes };
}

function draw(state, { svg, line, notes, inputs, mark }) {
  const result = convolve(state);
  const { flat, image, filter, rows, columns, output } = result;
  const last = rows.length * columns.length - 1;
  state.at = Math.min(state.at, last);
  const [o, q] = [Math.floor(state.at / columns.length), state.at % columns.length];
  const [r, c] = [rows[o], columns[q]];
  const words = spell(state, result, o, q);
  inputs.at.max = last;
  say(inputs.at, words.y);
  mark(flat ? "1-D" : "2-D");
  line.textContent = words.line;
  notes.textContent = words.notes.join("\n");
  svg.setAttribute("aria-label", `A window of the input gives ${words.line}. ` +
    `The whole output: ${unparse(flat ? output[0] : output)}. ${words.notes.at(-1)}`);

  // Lengths in cells: the padded input, and centred below it the output.
  const p = state.padding;
  const above = flat ? 0 : p;
  const width = image[0].length + 2 * p;
  const height = image.length + 2 * above;
  const [left, top] = [(width - columns.length) / 2, height + 1.25];
  svg.setAttribute("viewBox", `-2 -2 ${width * C + 4} ${(top + rows.length) * C + 4}`);
  svg.setAttribute("width", 52 * width); // px at most: the css shrinks it to fit
  const link = layer(svg, "path", "explore-link");
  const cells = layer(svg, "g", "explore-cells");
  cells.replaceChildren();
  const cell = (x, y, kind, value, weight) => {
    const g = add(cells, "g", { class: kind, transform: `translate(${x * C} ${y * C})` });
    const text = typeset(value);
    add(g, "rect", { width: C, height: C });
    add(g, "text", { x: 20, y: weight ? 15 : 20, "font-size": Math.min(17, 66 / text.length) }, text);
    if (weight) add(g, "text", { x: 20, y: 31, "font-size": 12 }, weight);
  };
  for (let i = -above; i < height - above; i++)
    for (let j = -p; j < width - p; j++) {
      const value = image[i]?.[j];
      const weight = filter[r.indexOf(i)]?.[c.indexOf(j)];
      const padded = value === undefined ? "padded" : "";
      const missed = rows.flat().includes(i) && columns.flat().includes(j) ? "" : "missed";
      const tap = weight === undefined ? "" : "tap";
      cell(j + p, i + above, `${padded} ${missed} ${tap}`, value ?? 0, tap && `×${typeset(weight)}`);
    }
  output.forEach((row, o) => row.forEach((v, q) => cell(left + q, top + o, "output", v)));

  const [fx, fy, fw, fh] = [c[0] + p, r[0] + above, extent(c), extent(r)].map((v) => v * C);
  const [tx, ty] = [(left + q) * C, (top + o) * C];
  layer(svg, "path", "explore-window").setAttribute("d", `M${fx} ${fy}h${fw}v${fh}h${-fw}z`);
  layer(svg, "path", "explore-target").setAttribute("d", `M${tx} ${ty}h${C}v${C}h${-C}z`);
  link.setAttribute("d", `M${fx} ${fy + fh}h${fw}L${tx + C} ${ty}h${-C}z`);

  return (x, y) => {
    const onOutput = y > (height + 0.6) * C;
    const nearest = (axis, v, start) => {
      const place = onOutput ? v - start - 0.5 : (v - extent(axis[0]) / 2) / state.stride;
      return Math.max(0, Math.min(axis.length - 1, Math.round(place)));
    };
    return { at: nearest(rows, y / C, top) * columns.length + nearest(columns, x / C, left) };
  };
}

export default { render: (context) => explore(context, "Convolution", CONTROLS, draw) };
