// What is written at a receptive field: numbers of entries, how many are seen, and how the size adds up.

const clamp = (v, low, high) => Math.max(low, Math.min(high, v));

/** Which of so many entries have room for their number where neighbors are `apart`. */
function numbered(many, apart) {
  const wide = 8 * String(many - 1).length;
  let step = 1;
  for (let i = 0; step * apart < wide; i++) step *= [2, 2.5, 2][i % 3]; // 1, 2, 5, 10, ...
  return Array.from({ length: Math.ceil(many / step) }, (_, i) => i * step);
}

/** Brackets and their words, the numbers of entries, and on the right what each layer adds to the size. */
function marks(layers, { first, looked, sizes, X, Y, unit, width, top, wide }, put, text) {
  const [found, depth] = [fields(layers), layers.length];
  const { size, jump } = found[depth];
  const [c, d, foot] = [X(0, depth), X(1, depth), Y(depth)];
  // What it sees: of the span what there is, and dashed what would lie outside.
  const { real, ends: [begin, end] } = looked[first];
  const [a, b] = [Math.max(begin, 0), Math.min(end, sizes[first] - 1)].map((j) => X(j, first));
  const [low, high] = [begin, end].map((j) => X(j, first));
  const over = Y(first) - (first ? 18 : 31);
  put("field-brackets", `M${a} ${over + 5}v-5H${b}v5M${c} ${foot + 28}v5H${d}v-5`);
  put("field-beyond", `M${low} ${over}H${a}M${b} ${over}H${high}`);
  const { size: whole } = fields(layers.slice(first)).at(-1);
  text(clamp((low + high) / 2, 60, width - 60), over - 7, real.length < whole ? `sees ${real.length} of ${whole}` : `sees ${whole}`, "bold middle looked");
  text((c + d) / 2, foot + 48, `jump ${jump}`, "middle");
  numbered(sizes[0], unit).forEach((j) => text(X(j, 0), top - 13, j, "tiny middle"));
  numbered(sizes[depth], unit * jump).forEach((j) => text(X(j, depth), foot + 23, j, "tiny middle"));
  text(0, top + (wide ? 5 : -6), "input x", "bold");
  text(0, foot + (wide ? 5 : 12), "output", "bold");
  if (looked.some(({ outside }) => outside.length)) text(width, foot + 48, "× outside", "end");
  text(width, foot + (wide ? 5 : 12), 1, "end"); // the output itself, and above it the sum
  // Only at the input: what a layer adds is counted in inputs, but an entry higher up is more than one of them.
  if (!first && depth) text(width, Y(0) + (wide ? 5 : -6), `= ${whole}`, "end bold");
  layers.map(short).forEach(({ k, d }, l) => { // what the layers add to the size
    const [y, jump] = [(Y(l) + Y(l + 1)) / 2 + 5, found[l].jump];
    const terms = `(${k} − 1)·${d > 1 ? `${d}·` : ""}${jump}`;
    if (l >= first) text(width, y, `+ ${wide ? terms : d * (k - 1) * jump}`, "end");
  });
}
