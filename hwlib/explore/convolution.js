// Convolution with stride, padding and dilation: the numbers and the words.

const list = (length, f) => Array.from({ length }, (_, i) => f(i));

/** What each window reads along one axis, as positions in x; outside 0 ... n - 1 is padding. */
function windows(n, k, { stride, padding, dilation }) {
  if (stride < 1 || padding < 0 || dilation < 1)
    throw new RangeError("Stride and dilation start at 1, padding at 0.");
  const [room, span] = [n + 2 * padding, dilation * (k - 1) + 1];
  if (span > room)
    throw new RangeError(`No output: the window spans ${span}, the padded input only ${room}.`);
  const size = Math.floor((room - span) / stride) + 1;
  return list(size, (o) => list(k, (t) => o * stride + t * dilation - padding));
}

/** Torch's conv1d or conv2d of one channel; `look(o, q)` gives one window's terms and sum. */
export function convolve({ x, weight, ...geometry }) {
  const flat = !x[0].length;
  if (flat === weight[0].length > 0)
    throw new RangeError("Input and filter must both have rows (“;” ends a row), or neither.");
  const [image, filter] = flat ? [[x], [weight]] : [x, weight];
  const rows = flat ? [[0]] : windows(image.length, filter.length, geometry);
  const columns = windows(image[0].length, filter[0].length, geometry);
  const look = (o, q) => {
    const term = (a, b) => {
      const entry = image[rows[o][a]]?.[columns[q][b]];
      return { x: entry ?? 0, w: filter[a][b], padded: entry === undefined };
    };
    const terms = filter.map((row, a) => row.map((_, b) => term(a, b)));
    return { terms, sum: terms.flat().reduce((sum, { x, w }) => sum + x * w, 0) };
  };
  const output = rows.map((_, o) => columns.map((_, q) => look(o, q).sum));
  return { flat, image, filter, rows, columns, look, output };
}

const factor = (v) => (v < 0 ? `(${typeset(v)})` : typeset(v));

/** The products of window (o, q) in one line, the sizes and what they leave out in another. */
export function spell({ stride: s, padding: p, dilation: d }, result, o, q) {
  const { flat, image, filter, rows, columns } = result;
  const { terms, sum } = result.look(o, q);
  const product = ({ x, w, padded }) => `${padded ? "[0]" : factor(x)}·${factor(w)}`;
  const products = terms.map((row) => row.map(product).join(" + ")).join(" +\n");
  const y = flat ? `y[${q}]` : `y[${o}, ${q}]`;
  const divided = `\u00a0/\u00a0${s}⌋`; // with what it divides, in one line
  const size = (n, k, m) => `⌊(${n} + 2·${p} − ${d}·(${k} − 1) −\u00a01)${divided} + 1\n` +
    `= ⌊${n + 2 * p - d * (k - 1) - 1}${divided} + 1 = ${m}`;
  const high = size(image.length, filter.length, rows.length);
  const wide = size(image[0].length, filter[0].length, columns.length);
  const notes = flat ? [`size = ${wide}`]
    : high === wide ? [`rows = columns = ${wide}`] : [`rows = ${high}`, `columns = ${wide}`];
  if (p) notes.push("Dashed cells, and [0], are padding.");
  const cells = (image.length + (flat ? 0 : 2 * p)) * (image[0].length + 2 * p);
  const missed = cells - new Set(rows.flat()).size * new Set(columns.flat()).size;
  if (missed) notes.push(`Struck out: in no window (${missed} of ${cells}).`);
  return { y, line: `${y} =${flat ? " " : "\n"}${products} = ${typeset(sum)}`, notes };
}

/** What the buttons set: numbers on which their names are true. */
function lessons({ x }) {
  const [image, filter, small] = [
    [[1, 0, 2, 1, 0], [0, 3, 1, 0, 2], [2, 1, 0, 4, 1], [0, 2, 3, 1, 0], [1, 0, 1, 2, 3]],
    [[1, 0, -1], [2, 0, -2], [1, 0, -1]], [[1, 0], [-1, 2]],
  ];
  const [numbers, short] = x[0].length ? [{ x: image, weight: filter }, { x: image, weight: small }]
    : [{ x: [2, 0, 1, 3, -1, 4, 1], weight: [1, -2, 1] }, { x: [2, 0, 1, 3, -1, 4, 1], weight: [1, -2] }];
  const plain = { stride: 1, padding: 0, dilation: 1, at: 0 };
  return {
    "Stride 2 skips the end": { ...short, ...plain, stride: 2 },
    "Padding keeps the size": { ...numbers, ...plain, padding: 1 },
    "Dilation widens the window": { ...numbers, ...plain, dilation: 2 },
  };
}
