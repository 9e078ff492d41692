// Windows as columns of a matrix (im2col), and the way back: the numbers and the words.

/**
 * The matrix `columns`, a row for each tap and a column for each window; `pixels[n]`, the places
 * [i, j] that window n reads; the filter as one row; and the convolution.
 */
export function unfolded({ x, weight, stride }) {
  if (!x[0].length || !weight[0].length)
    throw new RangeError("Image and filter must have rows (“;” ends a row).");
  const result = convolve({ x, weight, stride, padding: 0, dilation: 1 });
  const { rows, columns: across, output } = result;
  const pixels = rows.flatMap((r) => across.map((c) => r.flatMap((i) => c.map((j) => [i, j]))));
  const row = weight.flat();
  const columns = row.map((_, t) => pixels.map((places) => x[places[t][0]][places[t][1]]));
  return { image: x, filter: weight, rows, across, output, pixels, row, columns };
}

/** What columns 0 ... at add up to, pixel by pixel, and how many copies each pixel got. */
export function folded({ image, pixels, columns }, at) {
  const [sums, copies] = [0, 0].map((zero) => image.map((row) => row.map(() => zero)));
  pixels.slice(0, at + 1).forEach((places, n) => places.forEach(([i, j], t) => {
    sums[i][j] += columns[t][n];
    copies[i][j]++;
  }));
  return { sums, copies };
}

const several = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;

/** One step in a line, and what it adds up to in others. */
export function tell({ direction }, result, at) {
  const { image, across, pixels, row, columns, output } = result;
  const column = columns.map((entries) => entries[at]);
  const y = `y[${Math.floor(at / across.length)}, ${at % across.length}]`;
  const all = folded(result, pixels.length - 1).copies.flat();
  const size = several(all.length, "pixel");
  const most = Math.max(...all);
  if (direction === "unfold") {
    const sum = row.reduce((sum, w, t) => sum + w * column[t], 0);
    const products = row.map((w, t) => `${bracketed(w)}·${bracketed(column[t])}`).join(" + ");
    const missed = all.filter((count) => !count).length;
    return {
      y, line: `${y} = ${products} = ${typeset(sum)}`,
      notes: [`Window ${at}, read row by row, is column ${at}.`,
        `${size}, ${columns.length}·${pixels.length} = ${columns.length * pixels.length} entries in the matrix: ` +
        (most > 1 ? `some pixels are copied ${most} times.` : "no pixel is copied twice."),
        ...(missed ? [`Hatched: in no window (${missed}).`] : [])],
    };
  }
  const end = at === pixels.length - 1;
  const [i, j] = pixels[at][0];
  const { sums, copies } = folded(result, at);
  const got = copies[i][j] === 1 ? "1 copy" : `${copies[i][j]} copies`;
  return {
    y, line: `Column ${at} adds ${column.map(typeset).join(", ")} to the pixels that they were copied from.`,
    notes: [`Pixel x[${i}, ${j}] (framed) has now received ${got} of its value: ${copies[i][j]}·${bracketed(image[i][j])}\u00a0=\u00a0${typeset(sums[i][j])}.`,
      !end ? `${several(pixels.length - 1 - at, "column")} to go.`
        : most > 1 ? "All are back. Each pixel holds its value times its copies, so fold does not undo unfold."
          : "All are back. No two windows overlap, so each pixel that was read has its value again."],
  };
}

const bracketed = (v) => (v < 0 ? `(${typeset(v)})` : typeset(v));
