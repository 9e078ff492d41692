// Transposed convolution as a sum of stamps: each input entry places a copy of the filter, times itself.

/** How many places the stamps cover along one axis, and how many the padding leaves. */
function extent(m, k, stride, padding) {
  const [full, cut] = [stride * (m - 1) + k, 2 * padding];
  if (full <= cut)
    throw new RangeError(`No output: the stamps cover ${full}, the padding cuts off ${cut}.`);
  return { m, k, full, size: full - cut };
}

/**
 * Torch's conv_transpose1d or 2d of one channel; `look(o, q, last)` gives one place's terms and sum, of
 * the stamps 0 ... last alone.
 */
export function scatter({ x, weight, stride: s, padding: p }) {
  const flat = !x[0].length;
  if (flat === weight[0].length > 0)
    throw new RangeError("Input and filter must both have rows (“;” ends a row), or neither.");
  const [image, filter] = flat ? [[x], [weight]] : [x, weight];
  const above = flat ? 0 : p;
  const rows = extent(image.length, filter.length, flat ? 1 : s, above);
  const cols = extent(image[0].length, filter[0].length, s, p);
  const look = (o, q, last = Infinity) => { // counted as in the output; what is cut off lies outside of it
    const terms = image.flatMap((row, i) => row.flatMap((entry, j) => {
      const w = filter[o + above - s * i]?.[q + p - s * j];
      return w === undefined || i * row.length + j > last ? [] : [{ x: entry, w, i, j }];
    }));
    return { terms, sum: terms.reduce((sum, { x, w }) => sum + x * w, 0) };
  };
  const line = (o) => Array.from({ length: cols.size }, (_, q) => look(o, q).sum);
  const output = Array.from({ length: rows.size }, (_, o) => line(o));
  return { flat, image, filter, rows, cols, above, look, output };
}

/** The largest padding that leaves an output. */
export const limit = ({ x, weight, stride: s }) => Math.min(...(x[0].length
  ? [[x, weight], [x[0], weight[0]]] : [[x, weight]]).map(([x, w]) => (s * (x.length - 1) + w.length - 1) >> 1));

const factor = (v) => (v < 0 ? `(${typeset(v)})` : typeset(v));
const said = (rows) => rows.map((row) => row.map(typeset).join(", ")).join("; ");
const grid = (rows, cols, f) => Array.from({ length: rows }, (_, o) => Array.from({ length: cols }, (_, q) => f(o, q)));

/** What adds up at (o, q), in one line; the stamp of entry (i, j), and the sizes, in others. */
export function spell({ stride: s, padding: p, total }, result, o, q, i, j) {
  const { flat, image, filter, rows, cols, above } = result;
  const name = (letter, a, b) => `${letter}[${said([flat ? [b] : [a, b]])}]`;
  const [x, z] = [name("x", i, j), name("z", o, q)];
  const { terms, sum } = result.look(o, q, total === "so far" ? i * cols.m + j : Infinity);
  const products = terms.map(({ x, w }) => `${factor(x)}·${factor(w)}`).join(" + ");
  const line = terms.length ? `${z} = ${products} = ${typeset(sum)}` : `${z} = 0: no stamp reaches it${total === "so far" ? " so far" : ""}`;
  const v = image[i][j];
  const stamp = said(filter.map((row) => row.map((w) => v * w)));
  const corner = name("z", s * i - above, s * j - p);
  const count = ({ m, k, size }) => `${s}·(${m} − 1) + ${k} − 2·${p} = ${size}`.replaceAll(" ", "\u00a0");
  const notes = flat ? [`size: ${count(cols)}`] : rows.m === cols.m && rows.k === cols.k ? [`rows = columns: ${count(rows)}`]
    : [`rows: ${count(rows)}`, `columns: ${count(cols)}`];
  if (p) notes.push("Dashed: cut off by padding.");
  return { x, z, line, notes, stamp: `The stamp of ${x} is ${factor(v)}·w = (${stamp}), starting at ${corner}.` };
}
