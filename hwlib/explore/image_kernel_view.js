// An image kernel as it is drawn: photograph, filter and window, filtered image.

const CONTROLS = {
  picture: ["picture", { type: "select", options: { photograph: "photograph", digit: "digit" } }],
  shown: ["output in", { type: "select", options: { signed: "sign colors", gray: "gray" } }],
  weight: ["filter w", { type: "text" }],
  row: ["row", { type: "range", min: 0, max: 0 }],
  column: ["column", { type: "range", min: 0, max: 0 }],
};
const SOBEL = [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]];
const preset = (weight, shown = "gray") => ({ weight, shown });
const PRESETS = {
  Blur: preset([[0, 0.2, 0], [0.2, 0.2, 0.2], [0, 0.2, 0]]),
  Sharpen: preset([[0, -0.5, 0], [-0.5, 3, -0.5], [0, -0.5, 0]]),
  Emboss: preset([[-1, 0, 0], [0, 1, 0], [0, 0, 1]]),
  "Vertical edges": preset(SOBEL, "signed"),
  "Horizontal edges": preset([[-1, -2, -1], [0, 0, 0], [1, 2, 1]], "signed"),
};
const PULL = 10; // units that the pointer moves for one step of a weight
const fine = () => matchMedia("(pointer: fine)").matches; // a finger types, and may scroll the page

/** Where things stand, in units of the viewBox: images of this side, grids with cells of that. */
const layout = () => matchMedia("(min-width: 40rem)").matches
  ? { width: 756, height: 336, side: 304, output: [452, 22], cell: 36, filter: [324, 22], window: [324, 156], sum: [342, 290] }
  : { width: 330, height: 318, side: 158, output: [172, 22], cell: 36, filter: [0, 206], window: [120, 206], sum: [246, 242] };

function draw(state, pictures, { svg, line, notes, inputs }) {
  const { weight, shown } = state;
  if (!isFilter(weight)) throw new RangeError("The filter needs three rows of three numbers.");
  const image = pictures[state.picture];
  const output = filtered(image, weight);
  state.row = Math.min(state.row, output.height - 1);
  state.column = Math.min(state.column, output.width - 1);
  const { row, column } = state;
  [inputs.row.max, inputs.column.max] = [output.height - 1, output.width - 1];
  say(inputs.row, row);
  say(inputs.column, column);
  const words = spell(state, image, output);
  line.textContent = words.line;
  notes.textContent = words.notes.join("\n");
  svg.setAttribute("aria-label", `A ${state.picture} of ${image.height} by ${image.width} pixels, the filter ` +
    `${unparse(weight)}, and the filtered image. The window gives ${words.line}. ${words.notes.join(" ")}`);

  const at = layout();
  const unit = at.side / image.height;
  const left = (at.side - unit * image.width) / 2;
  const [photo, result] = [{ x: left, y: 22, unit }, { x: at.output[0] + left + unit, y: 22 + unit, unit }];
  svg.setAttribute("viewBox", `-2 -2 ${at.width + 4} ${at.height + 4}`);
  svg.setAttribute("width", at.width + 4);
  const repaint = (name, ...rest) => {
    const key = JSON.stringify([state.picture, name === "kernel-output" && [weight, shown], at]);
    if (layer(svg, "g", name).dataset.key === key) return;
    raster(svg, name, ...rest).dataset.key = key;
  };
  repaint("kernel-photo", image, grays(image.white), photo);
  const most = full(output, image.white, shown);
  const palette = (shown === "gray" ? grays : signs)(most);
  repaint("kernel-output", output, palette, result);
  svg.querySelector(".kernel-photo").dataset.spot = "photo";
  svg.querySelector(".kernel-output").dataset.spot = "output";

  const cells = layer(svg, "g", "explore-cells");
  cells.replaceChildren();
  const frame = ({ x, y }, { width, height }) =>
    add(cells, "rect", { class: "kernel-frame", x, y, width: unit * width, height: unit * height });
  frame(photo, image);
  frame(result, output);
  const title = (x, y, text) => add(cells, "text", { class: "title", x, y: y - 10 }, text);
  title(left, 22, "image x");
  title(at.output[0] + left, 22, "output y");
  title(at.filter[0], at.filter[1], "filter w");
  title(at.window[0], at.window[1], "window");
  const cell = ([x, y], a, b, value, attributes, below) => {
    const g = add(cells, "g", { ...attributes, transform: `translate(${x + b * at.cell} ${y + a * at.cell})` });
    const text = String(value);
    add(g, "rect", { width: at.cell, height: at.cell });
    add(g, "text", { x: at.cell / 2, y: below ? 13 : 18, "font-size": Math.min(15, 60 / text.length) }, text);
    if (below) add(g, "text", { x: at.cell / 2, y: 27, "font-size": 11 }, below);
    return g;
  };
  const tidy = (v) => typeset(+v.toFixed(2));
  window3(image, row, column).forEach((pixels, a) => pixels.forEach((pixel, b) => {
    const name = `weight ${a} ${b}`;
    cell(at.filter, a, b, tidy(weight[a][b]), { class: "filter", "data-cell": name, ...(fine() && { "data-grip": name }) });
    cell(at.window, a, b, pixel, { class: "tap" }, `×${tidy(weight[a][b])}`);
  }));
  const sum = cell(at.sum, 0, 0, words.sum, { class: "output" });
  sum.querySelector("rect").setAttribute("width", 2 * at.cell);
  sum.querySelector("text").setAttribute("x", at.cell);
  const [red, green, blue, opacity] = palette(output.values[row * output.width + column]);
  if (shown === "signed") // as in the output, but pale enough for text
    sum.querySelector("rect").setAttribute("style", `fill: rgb(${red}, ${green}, ${blue}); fill-opacity: ${opacity / 500}`);
  title(at.sum[0], at.sum[1], "sum");

  marks(svg, at, photo, result, state);

  return (x, y, name, from) => {
    if (name.startsWith("weight")) {
      const [a, b] = name.split(" ").slice(1);
      const old = from[a][b];
      const step = from.flat().every(Number.isInteger) ? 1 : 0.1;
      const by = Math.round((at.filter[1] + (+a + 0.5) * at.cell - y) / PULL);
      const entry = +(old + step * by).toFixed(6);
      return { weight: from.map((line, i) => line.map((w, j) => (i == a && j == b ? entry : w))) };
    }
    const [{ x: x0, y: y0 }, middle] = ["photo", "window"].includes(name) ? [photo, 1.5] : [result, 0.5];
    const place = (v, size) => Math.max(0, Math.min(size - 1, Math.round(v / unit - middle)));
    return { row: place(y - y0, output.height), column: place(x - x0, output.width) };
  };
}

function render({ model, el }) {
  const pictures = Object.fromEntries(Object.entries(model.get("pictures"))
    .map(([name, picture]) => [name, { ...picture, values: bytes(picture.pixels) }]));
  let from; // the filter when a pointer was put down on it
  const figure = explore({ model, el }, {
    title: "A filter on a photograph",
    invite: fine() ? "Point at the picture. Click a number of the filter, or drag it up and down."
      : "Drag the blue window. Tap a number of the filter.",
    controls: CONTROLS, presets: PRESETS, look: "explore-kernel",
    draw(state, parts) {
      const pick = draw(state, pictures, parts);
      return (x, y, name) => pick(x, y, name, from);
    },
  });
  editable(figure);
  const { svg, inputs, read } = figure;
  svg.addEventListener("pointerdown", () => { from = parse(inputs.weight.value); }, true);
  svg.addEventListener("pointermove", ({ target, pointerType, buttons, clientX, clientY }) => {
    const photo = target.closest?.(".kernel-photo");
    if (!photo || pointerType !== "mouse" || buttons) return; // a finger drags
    const { left, top, width, height } = photo.getBoundingClientRect();
    const follow = (input, v) => { input.value = Math.round((+input.max + 3) * v - 1.5); };
    follow(inputs.row, (clientY - top) / height);
    follow(inputs.column, (clientX - left) / width);
    read();
  });
}

export default { render };
