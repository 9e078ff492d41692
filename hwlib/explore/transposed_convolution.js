// Transposed convolution as a sum of stamps: each input entry places a copy of the filter, times itself.

/** How many places the stamps cover along one axis, and how many the padding leaves. */
function extent(m, k, stride, padding) {
  const [full, cut] = [stride * (m - 1) + k, 2 * padding];
  if (full <= cut)
    throw new RangeError(`No output: the stamps cover ${full}, the padding cuts off ${cut}.`);
  return { m, k, full, size: full - cut };
}

/** Torch's conv_transpose1d or 2d of one channel; `look(o, q)` gives one place's terms and sum. */
export function scatter({ x, weight, stride: s, padding: p }) {
  const flat = !x[0].length;
  if (flat === weight[0].length > 0)
    throw new RangeError("Input and filter must both have rows (“;” ends a row), or neither.");
  const [image, filter] = flat ? [[x], [weight]] : [x, weight];
  const above = flat ? 0 : p;
  const rows = extent(image.length, filter.length, flat ? 1 : s, above);
  const cols = extent(image[0].length, filter[0].length, s, p);
  const look = (o, q) => { // counted as in the output; what is cut off lies outside of it
    const terms = image.flatMap((row, i) => row.flatMap((entry, j) => {
      const w = filter[o + above - s * i]?.[q + p - s * j];
      return w === undefined ? [] : [{ x: entry, w, i, j }];
    }));
    return { terms, sum: terms.reduce((sum, { x, w }) => sum + x * w, 0) };
  };
  const line = (o) => Array.from({ length: cols.size }, (_, q) => look(o, q).sum);
  const output = Array.from({ length: rows.size }, (_, o) => line(o));
  return { flat, image, filter, rows, cols, above, look, output };
}
