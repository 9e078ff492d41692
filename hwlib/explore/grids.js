// Grids of numbers, as the figures of convolutions draw them; joined behind kit.js.

const C = 40; // the side of a cell, in units of the viewBox
const box = (x, y, w = 1, h = 1) => `M${x * C} ${y * C}h${w * C}v${h * C}h${-w * C}z`;
const wide = () => matchMedia("(min-width: 40rem)").matches;
const within = (v, size) => Math.max(0, Math.min(size - 1, v));

/** How numbers look as shades: the opacity of a cell, and a class for those below 0. */
function shades(numbers) {
  const most = Math.max(...numbers.flat().map(Math.abs)) || 1;
  return (v) => [(0.45 * Math.abs(v)) / most, v < 0 ? "below" : "above"];
}

/** Empty the picture's cells; return what draws a cell and a word, at a place counted in cells. `large` are numbers. */
function grids(svg, large = 17) {
  const cells = layer(svg, "g", "explore-cells");
  cells.replaceChildren();
  const word = (x, y, text, attributes = {}) =>
    add(cells, "text", { x: x * C, y: y * C, "font-size": 13, ...attributes }, text);

  /** A number in its cell, `below` it a smaller text, with a shade of `shades`. */
  function cell(x, y, value, { shade: [opacity, sign] = [], below, class: name = "", ...others } = {}) {
    const g = add(cells, "g", { ...others, class: `${name} ${sign ?? ""}`, transform: `translate(${x * C} ${y * C})` });
    const rect = add(g, "rect", { width: C, height: C });
    if (opacity !== undefined) rect.style.fillOpacity = opacity;
    if (name.includes("missed")) add(g, "path", { d: "M0 10L10 0M0 20L20 0M0 30L30 0M0 40L40 0M10 40L40 10M20 40L40 20M30 40L40 30" });
    const write = (y, size, text) =>
      add(g, "text", { x: 20, y, "font-size": Math.min(size, 66 / text.length) }, text);
    write(below ? 14 : 20, large, typeset(value));
    if (below) write(30, 13, below);
    return g;
  }
  return { cells, cell, word };
}

/** Move the one path of this class, over the cells; a name for its grip makes it one that is held. */
function outline(svg, name, d, grip) {
  const path = layer(svg, "path", name);
  path.setAttribute("d", d);
  if (grip) path.dataset.grip = grip;
  return path;
}

/** Show these columns and rows of cells, a cell as wide as `most` px at most: the css shrinks it to fit. */
function show(svg, [x, y, width, height], most = 48) {
  svg.setAttribute("viewBox", [x, y, width, height].map((v) => v * C).join(" "));
  svg.setAttribute("width", most * width);
}

/** Write a sum of products in the colours of its factors and of the output. */
function colored(line, text, [first, second] = ["a", "c"]) {
  const parts = text.split(/(·| [+=] )/);
  line.replaceChildren();
  parts.forEach((part, n) => {
    const ends = parts.length > 3 && [0, parts.length - 1].includes(n);
    const kind = parts[n + 1] === "·" ? first : parts[n - 1] === "·" ? second : ends ? "b" : "";
    if (kind) add(line, "span", { class: kind }, part);
    else line.append(part);
  });
}
