// Elements and numbers, for all figures; the first of the files that are joined (see figure.py).

/** Append a new element; inside SVG it is an SVG element. */
export function add(parent, tag, attributes = {}, text = "") {
  const space = tag === "svg" ? "http://www.w3.org/2000/svg" : parent.namespaceURI;
  const node = document.createElementNS(space, tag);
  for (const name in attributes) node.setAttribute(name, attributes[name]);
  node.textContent = text;
  parent.append(node);
  return node;
}

/** The one child of this class. It outlives redrawing, so css can move it. */
export const layer = (svg, tag, name) =>
  svg.querySelector(`.${name}`) ?? add(svg, tag, { class: name });

/** A number as typeset, without its rounding error. */
export const typeset = (number) => String(+number.toPrecision(10)).replace("-", "−");

/** Two numbers and their sum as typeset, with so many decimals, two or more, that what is printed adds up. */
export function addUp(a, b) {
  const total = a + b;
  const rounded = (decimals) => [a, b, total].map((v) => Math.round(v * 10 ** decimals));
  let decimals = total > 0 ? Math.max(2, 2 - Math.floor(Math.log10(total))) : 2;
  for (let [p, q, r] = rounded(decimals); p + q !== r && decimals < 6;) [p, q, r] = rounded(++decimals);
  return [a, b, total].map((v) => typeset(+v.toFixed(decimals)));
}

/** The numbers in "1, 4; 0, -2": a list, or a list of rows where there is a ";". */
export function parse(text) {
  const rows = text.replace(/;\s*$/, "").split(";").map((row) => row.match(/[^\s,]+/g) ?? []);
  const number = (word) => Number(word.replace("−", "-"));
  const wrong = rows.flat().find((word) => !Number.isFinite(number(word)));
  if (wrong) throw new RangeError(`“${wrong}” is not a number.`);
  if (rows.some((row) => !row.length || row.length !== rows[0].length))
    throw new RangeError("Every row needs numbers, as many as the first.");
  const numbers = rows.map((row) => row.map(number));
  return text.includes(";") ? numbers : numbers[0];
}

/** The text that `parse` reads as these numbers. */
export const unparse = (numbers) =>
  numbers[0].length ? numbers.map((row) => row.join(", ")).join("; ") + (numbers[1] ? "" : ";")
    : numbers.join(", ");
