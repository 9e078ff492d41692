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

/** The sum of window (o, q) in one line; spans and sizes, and what they leave out, in others. */
export function spell({ stride: s, padding: p, dilation: d }, result, o, q) {
  const { flat, image, filter, rows, columns } = result;
  const { terms, sum } = result.look(o, q);
  const product = ({ x, w, padded }) => `${padded ? "[0]" : factor(x)}·${factor(w)}`;
  const all = terms.flat();
  const products = flat ? all.map(product).join(" + ") // an image's are seen in the picture, or their factors
    : all.map(({ x, w }, n) => (n ? (x * w < 0 ? " − " : " + ") + typeset(Math.abs(x * w)) : typeset(x * w))).join("");
  const y = flat ? `y[${q}]` : `y[${o}, ${q}]`;
  const span = (k) => d * (k - 1) + 1;
  const spelled = (k) => (d > 1 ? `${d}·(${k} − 1) + 1 = ${span(k)}` : `${k}`);
  const size = (n, k, m) => `⌊(${n} + 2·${p} − ${span(k)}) / ${s}⌋ + 1 = ${m}`.replaceAll(" ", "\u00a0");
  const [kh, kw] = [filter.length, filter[0].length];
  const high = size(image.length, kh, rows.length);
  const wide = size(image[0].length, kw, columns.length);
  const notes = flat ? [`The window spans ${spelled(kw)} entries.`, `outputs: ${wide}`]
    : [kh === kw ? `The window spans ${spelled(kw)} each way.` : `The window spans ${spelled(kh)} by ${spelled(kw)}.`,
      ...(high === wide ? [`rows = columns: ${wide}`] : [`rows: ${high}`, `columns: ${wide}`])];
  const cells = (image.length + (flat ? 0 : 2 * p)) * (image[0].length + 2 * p);
  const missed = cells - new Set(rows.flat()).size * new Set(columns.flat()).size;
  const marks = [!flat && "Blue > 0, orange < 0.", p && `Dashed${flat ? ", and [0]" : ""}: padding.`, missed && `Hatched: in no window (${missed} of ${cells}).`];
  if (marks.some(Boolean)) notes.push(marks.filter(Boolean).join(" "));
  return { y, line: `${y} = ${products} = ${typeset(sum)}`, notes };
}
