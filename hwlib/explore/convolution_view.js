// Convolution as it is drawn: drag the window, edit the numbers, read the products.

const CONTROLS = {
  x: ["input x", { type: "text" }],
  weight: ["filter w", { type: "text" }],
  stride: ["stride s", { type: "range", min: 1, max: 4 }],
  padding: ["padding p", { type: "range", min: 0, max: 3 }],
  dilation: ["dilation d", { type: "range", min: 1, max: 3 }],
  at: ["output", { type: "range", min: 0, max: 0 }],
};
const C = 40; // the side of a cell, in units of the viewBox
const NAMES = 1.9; // in cells: what the names of the rows take to the left of a signal
const extent = (taps) => taps.at(-1) - taps[0] + 1;
const box = (x, y, w, h) => `M${x * C} ${y * C}h${w * C}v${h * C}h${-w * C}z`;

/** Where the corners of filter and output lie, and how large all is: in cells, from the input's corner. */
function layout({ flat, image, filter, rows, columns }, padding, start, compact) {
  const width = image[0].length + 2 * padding;
  if (flat) return { filter: [start, 1.25], output: [(width - columns.length) / 2, 4], width, height: 5 };
  const [high, k] = [image.length + 2 * padding, filter[0].length];
  if (compact || matchMedia("(min-width: 40rem)").matches) { // filter and output on the right
    const [x, y] = [width + 1, filter.length + 0.9];
    return {
      filter: [x, 0], output: [x, y],
      width: x + Math.max(k, columns.length, 2), height: Math.max(high, y + rows.length),
    };
  }
  const y = high + 0.9; // or below
  return {
    filter: [0, y], output: [k + 1, y],
    width: Math.max(width, k + 1 + columns.length), height: y + Math.max(filter.length, rows.length),
  };
}

/** How an image's entries look as shades: the opacity of each cell, and a class for those below 0. */
function shades(image) {
  const most = Math.max(...image.flat().map(Math.abs)) || 1;
  return image.map((row) => row.map((v) => [(0.45 * Math.abs(v)) / most, v < 0 ? "below" : "above"]));
}

function draw(state, { svg, line, notes, inputs, mark, compact }) {
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

  const p = state.padding;
  const above = flat ? 0 : p;
  const [fx, fy] = [c[0] + p, r[0] + above];
  const place = layout(result, p, fx, compact);
  const [left, top] = place.output;
  const names = flat ? NAMES : 0;
  svg.setAttribute("viewBox",
    `${-2 - names * C} ${flat ? -2 : -26} ${(place.width + names) * C + 4} ${place.height * C + (flat ? 4 : 28)}`);
  svg.setAttribute("width", 52 * (place.width + names)); // px at most: the css shrinks it to fit
  const link = layer(svg, "path", "explore-link");
  const cells = layer(svg, "g", "explore-cells");
  cells.replaceChildren();
  const [inked, lit] = flat ? [] : [shades(image), shades(output)]; // an image looks like one
  const cell = (x, y, value, attributes, { weight, shade } = {}) => {
    const g = add(cells, "g", { ...attributes, transform: `translate(${x * C} ${y * C})` });
    const text = typeset(value);
    const rect = add(g, "rect", { width: C, height: C });
    if (shade) {
      rect.style.fillOpacity = shade[0];
      g.classList.add(shade[1]);
    }
    add(g, "text", { x: 20, y: weight ? 15 : 20, "font-size": Math.min(17, 66 / text.length) }, text);
    if (weight) add(g, "text", { x: 20, y: 31, "font-size": 12 }, weight);
  };
  const title = (x, y, text) => flat // at the left of a signal, above an image
    ? add(cells, "text", { class: "title", x: -NAMES * C, y: (y + 0.5) * C }, text)
    : add(cells, "text", { class: "title", x: x * C, y: y * C - 12 }, text);
  const edit = (name, a, b) => ({ "data-cell": flat ? `${name} ${b}` : `${name} ${a} ${b}` });
  title(0, 0, "input x");
  for (let i = -above; i < image.length + above; i++)
    for (let j = -p; j < image[0].length + p; j++) {
      const value = image[i]?.[j];
      const weight = filter[r.indexOf(i)]?.[c.indexOf(j)];
      const padded = value === undefined ? "padded" : "";
      const missed = rows.flat().includes(i) && columns.flat().includes(j) ? "" : "missed";
      const tap = weight === undefined ? "" : "tap";
      cell(j + p, i + above, value ?? 0,
        { class: `${padded} ${missed} ${tap}`, ...(padded ? {} : edit("x", i, j)) },
        { weight: tap && !flat && !compact && `×${typeset(weight)}`, shade: inked?.[i]?.[j] });
    }
  const [kx, ky] = place.filter;
  title(kx, ky, "filter w");
  filter.forEach((row, a) => row.forEach((w, b) =>
    cell(kx + b * (flat ? state.dilation : 1), ky + a, w, { class: "filter", ...edit("weight", a, b) })));
  if (flat) { // the products, and where they are added up
    title(0, ky + 1.1, "products");
    const terms = result.look(o, q).terms[0].map(({ x, w }) => typeset(x * w));
    terms.forEach((text, b) => add(cells, "text", {
      class: "product", x: (kx + b * state.dilation + 0.5) * C, y: (ky + 1.6) * C, "font-size": Math.min(17, 66 / text.length),
    }, text));
    for (let b = 1; b < terms.length; b++)
      add(cells, "text", { x: (kx + (b - 0.5) * state.dilation + 0.5) * C, y: (ky + 1.6) * C, "font-size": 15 }, "+");
  }
  title(left, top, "output y");
  output.forEach((row, a) => row.forEach((y, b) => cell(left + b, top + a, y, {
    class: `output ${a * columns.length + b > state.at ? "later" : ""}`, "data-spot": "output",
  }, { shade: lit?.[a][b] })));

  const outline = (name, d) => {
    const path = layer(svg, "path", name);
    path.setAttribute("d", d);
    return path;
  };
  outline("explore-window", box(fx, fy, extent(c), extent(r))).dataset.grip = "window";
  outline("explore-target", box(left + q, top + o, 1, 1)).dataset.grip = "output";
  // From what is read to what is written: below the products, or beside the window of an image.
  const [foot, x0, y0] = [(ky + 2) * C, (left + q) * C, (top + o) * C];
  const [right, low, high] = [(fx + extent(c)) * C, fy * C, (fy + extent(r)) * C];
  link.setAttribute("d", flat ? `M${fx * C} ${foot}H${right}L${x0 + C} ${y0}h${-C}z`
    : left > fx + extent(c) ? `M${right} ${low}L${x0} ${y0}v${C}L${right} ${high}z` : "");

  return (x, y, held) => {
    const nearest = (axis, v, start) => {
      const to = held === "output" ? v - start - 0.5 : (v - extent(axis[0]) / 2) / state.stride;
      return Math.max(0, Math.min(axis.length - 1, Math.round(to)));
    };
    return { at: nearest(rows, y / C, top) * columns.length + nearest(columns, x / C, left) };
  };
}

const NEXT = ({ at, ...state }) => (at < convolve(state).output.flat().length - 1 ? { at: at + 1 } : null);
const FIGURE = {
  title: "Convolution, one window at a time",
  invite: "Drag the blue window, or let it play. Tap a number to change it.",
  controls: CONTROLS,
  presets: lessons,
  play: { first: () => ({ at: 0 }), next: NEXT, every: 700 },
  draw,
};

export default { render: (context) => editable(explore(context, FIGURE)) };
