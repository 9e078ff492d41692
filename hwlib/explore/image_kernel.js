// An image kernel on a photograph: the numbers and the words.

/** The convolution of an image, row after row, with a filter of 3 x 3; no padding. */
export function filtered({ values, width, height }, weight) {
  const [w, wide, high] = [weight.flat(), width - 2, height - 2];
  const out = new Float64Array(wide * high);
  for (let i = 0; i < high; i++)
    for (let j = 0; j < wide; j++) {
      let sum = 0;
      for (let t = 0; t < 9; t++) sum += w[t] * values[(i + Math.floor(t / 3)) * width + j + (t % 3)];
      out[i * wide + j] = sum;
    }
  return { values: out, width: wide, height: high };
}

/** The pixels under the window at an output: three rows of three. */
export const window3 = ({ values, width }, row, column) =>
  [0, 1, 2].map((a) => [0, 1, 2].map((b) => values[(row + a) * width + column + b]));

export const isFilter = (weight) => weight.length === 3 && weight.every((row) => row.length === 3);

/** What gives the full colour: white, or the largest output. */
export const full = (output, white, shown) =>
  shown === "gray" ? white : output.values.reduce((most, v) => Math.max(most, Math.abs(v)), 0) || 1;

/** Blue above 0, orange below, with a root of the size, or weak edges would be too pale. */
export const edges = (most) => (v) => signs(1)(Math.sign(v) * (Math.abs(v) / most) ** 0.6);

export const short = (v) => typeset(+v.toFixed(2));

/** The nine products: three rows of three. */
export const products = (pixels, weight) => pixels.map((line, a) => line.map((x, b) => x * weight[a][b]));

/** The sum of the products, what an even area becomes, and which outputs lie beyond black and white. */
export function spell({ weight, shown, row, column }, image, output) {
  const terms = products(window3(image, row, column), weight).flat();
  const sum = output.values[row * output.width + column];
  const spelled = terms.map((v, i) => `${v < 0 ? (i ? " − " : "−") : i ? " + " : ""}${short(Math.abs(v))}`).join("");
  const total = +weight.flat().reduce((all, w) => all + w, 0).toFixed(6);
  const even = total === 1 ? "their own value" : total === 0 ? "0" : `${short(total)} times their value`;
  const outside = output.values.reduce((many, v) => many + (v < -1e-9 || v > image.white + 1e-9), 0);
  const note = `The weights add up to ${short(total)}, so nine equal pixels give ${even}.`;
  const more = shown === "gray" ? `${outside} of ${output.values.length} outputs lie outside 0 to ${image.white}.` : "";
  return { y: `y[${row}, ${column}]`, line: `y[${row}, ${column}] = ${spelled} = ${short(sum)}`, note, more };
}
