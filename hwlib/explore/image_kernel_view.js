// An image kernel as it is drawn: photograph, filter and window, filtered image.

const more = (attributes) => ({ ...attributes, more: true }); // presets and picture do it as well
const CONTROLS = {
  picture: ["picture", more({ type: "select", options: { photograph: "photograph", digit: "digit" } })],
  shown: ["output in", more({ type: "select", options: { signed: "sign colors", gray: "gray" } })],
  weight: ["filter w", more({ type: "text" })],
  row: ["row", more({ type: "range", min: 0, max: 0 })],
  column: ["column", more({ type: "range", min: 0, max: 0 })],
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
const stride = (size) => Math.ceil(size / 16); // of Play, from row to row
const PULL = 10; // units that the pointer moves for one step of a weight
const fine = () => matchMedia("(pointer: fine)").matches; // a finger types, and may scroll the page

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
  line.textContent = words.note;
  notes.textContent = words.more;
  svg.setAttribute("aria-label", `A ${state.picture} of ${image.height} by ${image.width} pixels, the filter ` +
    `${unparse(weight)}, and the filtered image. The window gives ${words.line}. ${words.note} ${words.more}`);

  const at = layout();
  const unit = at.side / image.height;
  const left = at.wide ? 0 : (at.side - unit * image.width) / 2;
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
  const palette = (shown === "gray" ? grays : edges)(most);
  repaint("kernel-output", output, palette, result);
  cover(svg, result, output, state, stride(output.height));
  svg.querySelector(".kernel-photo").dataset.spot = "photo";
  svg.querySelector(".kernel-output").dataset.spot = "output";

  const cells = layer(svg, "g", "explore-cells");
  cells.replaceChildren();
  const frame = ({ x, y }, { width, height }) =>
    add(cells, "rect", { class: "kernel-frame", x, y, width: unit * width, height: unit * height });
  frame(photo, image);
  frame(result, output);
  const title = (x, text, kind) => add(cells, "text", { class: `title ${kind}`, x, y: 12 }, text);
  title(photo.x, "image x", "a");
  title(result.x, "output y", "b");
  const sum = output.values[row * output.width + column];
  numbers(cells, at, { image, weight, row, column, sum, y: words.y, grips: fine() }, shown, palette);
  bar(svg, cells, at, palette, shown === "gray" ? 0 : -most, most);
  marks(svg, at, photo, result, output, state);

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
    invite: fine() ? "Point at the photograph, or press Play. Then change a number of the filter."
      : "Press Play, or drag the blue window. Then tap a number of the filter.",
    controls: CONTROLS, presets: PRESETS,
    play: { // over the whole picture
      first: () => ({ row: 0, column: 0 }),
      next({ picture, row, column }) {
        const [right, foot] = [pictures[picture].width - 3, pictures[picture].height - 3];
        if (column < right) return { column: Math.min(right, column + Math.ceil(right / 6)) };
        return row < foot ? { row: Math.min(foot, row + stride(foot + 1)), column: 0 } : null;
      },
      every: 90,
    },
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
