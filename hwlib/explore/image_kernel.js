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

/** What gives the full colour: white, or half the largest output, or weak edges would be too pale. */
export const full = (output, white, shown) =>
  shown === "gray" ? white : output.values.reduce((most, v) => Math.max(most, Math.abs(v) / 2), 0) || 1;

const short = (v) => typeset(+v.toFixed(2));
const factor = (v) => (v < 0 ? `(${short(v)})` : short(v));

/** The nine products, what an even area becomes, and what the colours mean. */
export function spell({ weight, shown, row, column }, image, output) {
  const pixels = window3(image, row, column);
  const products = pixels.flatMap((line, a) => line.map((x, b) => `${factor(x)}·${factor(weight[a][b])}`));
  const sum = output.values[row * output.width + column];
  const total = +weight.flat().reduce((all, w) => all + w, 0).toFixed(6);
  const even = total === 1 ? "where all nine pixels are equal, it changes nothing"
    : total === 0 ? "where all nine pixels are equal, the output is 0"
      : `where all nine pixels are equal, it multiplies them by ${short(total)}`;
  const most = full(output, image.white, shown);
  const outside = output.values.reduce((many, v) => many + (v < -1e-9 || v > image.white + 1e-9), 0);
  const colours = shown === "gray"
    ? `0 and less is black, ${image.white} and more white (${outside} of ${output.values.length} outputs lie outside).`
    : `Blue is above 0, orange below; the color is full from ±${short(most)} on.`;
  return {
    sum: short(sum),
    line: `y[${row}, ${column}] = ${products.join(" + ")} = ${short(sum)}`,
    notes: [`The weights add up to ${short(total)}: ${even}.`, colours],
  };
}
