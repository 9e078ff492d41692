// The receptive field: which inputs one output of a stack of layers sees.

const FRESH = { kernel_size: 3, stride: 1, padding: 0, dilation: 1 };
const short = ({ kernel_size: k, stride: s, padding: p, dilation: d }) => ({ k, s, p, d });

/** Size, jump and start after each layer, the first for none: hwlib.count.receptive_field. */
export function fields(layers) {
  const found = [{ size: 1, jump: 1, start: 0 }];
  for (const { k, s, p, d } of layers.map(short)) {
    const { size, jump, start } = found.at(-1);
    found.push({ size: size + jump * d * (k - 1), jump: jump * s, start: start - jump * p });
  }
  return found;
}

/** Entries of each level, input first, for three outputs or as many as it takes. */
export function lengths(layers, outputs = 3) {
  const found = layers.map(short).reduceRight(([n, ...rest], { k, s, p, d }) =>
    [s * (n - 1) - 2 * p + d * (k - 1) + 1, n, ...rest], [outputs]);
  return Math.min(...found) > 0 ? found : lengths(layers, outputs + 1);
}

/** What output `at` sees at each level, input first: entries, padding, links to the next level. */
export function seen(layers, at) {
  const sizes = lengths(layers);
  return layers.map(short).reduceRight((levels, { k, s, p, d }, i) => {
    const { real: readers, ends: [a, b] } = levels[0];
    const links = readers.flatMap((o) => Array.from({ length: k }, (_, t) => [o * s + t * d - p, o]));
    const read = [...new Set(links.map(([j]) => j))].sort((a, b) => a - b);
    const inside = (j) => j >= 0 && j < sizes[i];
    const [real, padded] = [read.filter(inside), read.filter((j) => !inside(j))];
    const ends = [a * s - p, b * s - p + d * (k - 1)]; // of the span
    return [{ real, padded, links, ends }, ...levels];
  }, [{ real: [at], padded: [], links: [], ends: [at, at] }]);
}

/** Layers from rows of kernel size, stride, padding and dilation, and back. */
export function fromRows(rows) {
  const least = [1, 1, 0, 1];
  const right = (row) => row.length === 4 && row.every((v, i) => Number.isInteger(v) && v >= least[i]);
  if (!rows[0].length || rows.length > 5 || !rows.every(right))
    throw new RangeError("One to five layers, each as “kernel, stride, padding, dilation;” in whole numbers.");
  return rows.map(([kernel_size, stride, padding, dilation]) => ({ kernel_size, stride, padding, dilation }));
}
export const toRows = (layers) => layers.map((layer) => Object.keys(FRESH).map((key) => layer[key]));

/** The list after the sliders moved; where they turn to another layer, they take its numbers. */
export function edited(layers, chosen, state) {
  const { depth } = state;
  const after = Array.from({ length: depth }, (_, i) => layers[i] ?? FRESH);
  state.layer = depth > layers.length ? depth : Math.min(state.layer, depth);
  if (depth !== layers.length || state.layer !== chosen) Object.assign(state, after[state.layer - 1]);
  after[state.layer - 1] = Object.fromEntries(Object.keys(FRESH).map((key) => [key, state[key]]));
  return after;
}

/** What output `at` sees, and how size, jump and start come about. */
export function spell(layers, at) {
  const [found, levels] = [fields(layers), seen(layers, at)];
  const { size, jump, start } = found.at(-1);
  const { real, ends } = levels[0];
  const many = real.length < size ? `${real.length} of ${size} inputs` : `${size} input${size > 1 ? "s" : ""}`;
  const line = `Output ${at} sees ${many}, x[${ends.map(typeset).join("] to x[")}].`;
  const spans = layers.map(short).map(({ k, d }, i) =>
    ` + ${found[i].jump}·${d > 1 ? `${d}·` : ""}(${k}\u00a0−\u00a01)`);
  const pads = layers.map(({ padding: p }, i) => (p ? ` − ${found[i].jump}·${p}` : ""));
  const notes = [`size ${size} = 1${spans.join("")}`,
    `jump ${jump} = ${layers.map(({ stride }) => stride).join("·")}`,
    `start ${typeset(start)}${start ? ` = 0${pads.join("")}` : ""}`,
    `Output ${at} begins at ${typeset(start)} + ${at}·${jump} = ${typeset(ends[0])}.`];
  if (levels.some(({ padded }) => padded.length)) notes.push("Crosses are padding.");
  return { line, notes };
}
