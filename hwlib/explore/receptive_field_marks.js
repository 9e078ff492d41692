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
function marks(layers, { first, looked, sizes, X, Y, unit, width, left, right, top, wide }, put, text) {
  const [found, depth] = [fields(layers), layers.length];
  const { size, jump } = found[depth];
  const [c, d, foot] = [X(0, depth), X(1, depth), Y(depth)];
  // What it sees: of the span what there is, and dashed what would lie outside.
  const p = layers[first]?.padding ?? 0;
  const { real, ends: span } = looked[first];
  const [a, b] = [Math.max(span[0], -p), Math.min(span[1], sizes[first] - 1 + p)].map((j) => X(j, first));
  const over = Y(first) - (first ? 16 : 29);
  put("field-brackets", `M${a} ${over + 5}v-5H${b}v5M${c} ${foot + 26}v5H${d}v-5`);
  put("field-beyond", (span[0] < -p ? `M${a} ${over}H${Math.max(a - 26, left - 12)}` : "") +
    (span[1] > sizes[first] - 1 + p ? `M${b} ${over}H${Math.min(b + 26, right + 12)}` : ""));
  const { size: whole } = fields(layers.slice(first)).at(-1);
  text(clamp((a + b) / 2, 60, width - 60), over - 7, real.length < whole ? `sees ${real.length} of ${whole}` : `sees ${whole}`, "bold middle looked");
  text((c + d) / 2, foot + 46, `jump ${jump}`, "middle");
  numbered(sizes[0], unit).forEach((j) => text(X(j, 0), top - 11, j, "tiny middle"));
  numbered(sizes[depth], unit * jump).forEach((j) => text(X(j, depth), foot + 21, j, "tiny middle"));
  text(0, top + (wide ? 5 : -6), "input x", "bold");
  text(0, foot + (wide ? 5 : 12), "output", "bold");
  if (looked.some(({ padded }) => padded.length)) text(width, foot + 46, "× padding", "end");
  if (!first) { // what the layers add to the size, from the output up
    text(width, foot + 5, "1", "end");
    layers.map(short).forEach(({ k, d }, l) => text(width, (Y(l) + Y(l + 1)) / 2 + 5, `+ ${d * (k - 1)}·${found[l].jump}`, "end"));
    text(width, top + 5, `= ${size}`, "bold end looked");
    text(width, top - 12, "size", "tiny end");
  }
}
