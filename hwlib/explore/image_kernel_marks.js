// What lies around the two images of an image kernel: the numbers of one window, and what ties them together.

/** Where things stand, in units of the viewBox: images of this height, grids with cells of that side. */
export const layout = () => matchMedia("(min-width: 40rem)").matches
  ? { width: 760, height: 318, side: 226, output: [544, 22], cell: 44, window: [236, 22], filter: [390, 22], product: [236, 184],
      sum: [398, 224, 116, 52], bar: [547, 268, 210], signs: [["×", 379, 88], ["=", 225, 250], ["→", 384, 250]], wide: true }
  : { width: 330, height: 372, side: 160, output: [174, 22], cell: 33, window: [0, 214], filter: [113, 214], product: [226, 214],
      sum: [226, 340, 99, 30], bar: [2, 342, 128], signs: [["×", 106, 264], ["=", 219, 264]] };

/** The window's pixels, the filter, their products, and the sum, in the colours that they have in the images. */
export function numbers(cells, at, { image, weight, row, column, sum, y, grips }, shown, palette) {
  const box = ([x, y], [width, height], words, look, style = "", ink = "") => {
    const g = add(cells, "g", { ...look, transform: `translate(${x} ${y})` });
    add(g, "rect", { width, height, ...(style && { style }) });
    const size = Math.max(10, Math.min(17, (1.7 * (width - 7)) / words.length));
    add(g, "text", { x: width / 2, y: height / 2 + 1, "font-size": size, ...(ink && { style: `fill: ${ink}` }) }, words);
  };
  const gray = (v) => [rgb(grays(image.white)(v)), v > image.white / 2 ? "black" : "white"];
  const place = ([x, y], a, b) => [x + b * at.cell, y + a * at.cell];
  const one = [at.cell, at.cell];
  const pixels = window3(image, row, column);
  const all = products(pixels, weight);
  const [weighed, inSigns] = [weight, all].map((rows) => signs(Math.max(...rows.flat().map(Math.abs)) || 1));
  pixels.forEach((line, a) => line.forEach((pixel, b) => {
    const name = `weight ${a} ${b}`;
    box(place(at.window, a, b), one, String(pixel), { class: "tap" }, ...gray(pixel));
    box(place(at.filter, a, b), one, short(weight[a][b]), { class: "filter", "data-cell": name, ...(grips && { "data-grip": name }) }, pale(weighed(weight[a][b])));
    box(place(at.product, a, b), one, typeset(+all[a][b].toPrecision(3)), { class: "product" }, pale(inSigns(all[a][b])));
  }));
  const color = palette(sum); // as in the output; a full one wants black ink in both modes
  box(at.sum, at.sum.slice(2), short(sum), { class: "output" }, ...(shown === "gray" ? gray(sum) : [rgb(color), color[3] > 200 && "black"]));
  const title = ([x, y], text, kind) => add(cells, "text", { class: `title ${kind}`, x, y: y - 10 }, text);
  title(at.window, "window", "a");
  title(at.filter, "filter w", "c");
  title(at.product, "products", "");
  if (at.wide) title(at.sum, y, "b");
  for (const [sign, x, y] of at.signs) add(cells, "text", { x, y, "font-size": 17 }, sign);
  if (!at.wide) add(cells, "text", { class: "title b", style: "text-anchor: end", x: at.sum[0] - 6, y: at.sum[1] + 16 }, y);
}

/** What the output's colours mean: from `low` to `high`, and beyond them. */
export function bar(svg, cells, { bar: [x, y, width] }, palette, low, high) {
  const values = Float64Array.from({ length: 2 * 41 }, (_, i) => low + ((high - low) * (i % 41)) / 40);
  raster(svg, "kernel-bar", { values, width: 41, height: 2 }, palette, { x, y, unit: width / 41 });
  add(cells, "rect", { class: "kernel-frame", x, y, width, height: (2 * width) / 41 });
  const gray = low === 0; // where outputs may lie beyond the ends
  [[0, (gray ? "≤ " : "") + short(low), "start"], [width / 2, gray ? "" : "0", ""], [width, (gray ? "≥ " : "") + short(high), "end"]].forEach(([along, words, kind]) =>
    add(cells, "text", { class: kind, x: x + along, y: y + (2 * width) / 41 + 10, "font-size": 12 }, words));
}

/** Over what Play has not come to yet: the outputs below this row, and in the last `band` rows those on the right. */
export function cover(svg, { x, y, unit }, { width, height }, { row, column }, band) {
  const box = (i, j, rows) => `M${x + unit * j} ${y + unit * i}h${unit * (width - j)}v${unit * rows}H${x + unit * j}z`;
  const top = Math.max(0, row - band + 1);
  layer(svg, "path", "kernel-cover").setAttribute("d", box(row + 1, 0, height - row - 1) + box(top, column + 1, row + 1 - top));
}

/** Outlines of the window and of its output, which are held, and lines to their numbers. */
export function marks(svg, at, photo, result, size, { row, column }) {
  const { unit } = photo;
  const corner = ({ x, y }) => [x + column * unit, y + row * unit];
  const guide = (name, d) => layer(svg, "path", name).setAttribute("d", d);
  const [x, y] = corner(photo);
  const [left, top] = at.window;
  const [span, side] = [3 * unit, 3 * at.cell];
  guide("kernel-read", at.wide ? `M${x + span} ${y}L${left} ${top}M${x + span} ${y + span}L${left} ${top + side}`
    : `M${x} ${y + span}L${left} ${top}M${x + span} ${y + span}L${left + side} ${top}`);
  const [u, v] = corner(result);
  const [sum, above, wide, high] = at.sum;
  const [edge, foot, along, down] = [result.x, result.y + unit * size.height, u + unit / 2, v + unit / 2];
  const [tip, below] = [u - 4, v + unit + 4]; // of the output's outline
  guide("kernel-write", `M${sum + wide} ${above + high / 2}` + (at.wide
    ? `H${edge - 14}V${down}H${tip}` : `H${at.width}V${foot + 12}H${along}V${below}`));
  guide("kernel-head", at.wide ? `M${tip - 6} ${down - 4}l6 4l-6 4` : `M${along - 4} ${below + 6}l4 -6l4 6`);

  const outline = (name, [x, y], size) => {
    const rect = layer(svg, "rect", name);
    const [side, room] = [unit * size, 2.5]; // so that the pixels stay in sight
    for (const [key, v] of Object.entries({
      x: x - room, y: y - room, width: side + 2 * room, height: side + 2 * room,
    })) rect.setAttribute(key, v);
    return rect;
  };
  outline("kernel-window", [x, y], 3).dataset.grip = "window";
  outline("kernel-target", [u, v], 1).dataset.grip = "target";
}
