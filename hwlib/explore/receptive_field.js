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

/** Entries of each level, input first, for at least three outputs, two of which see no padding. */
export function lengths(layers, outputs = 3) {
  const found = layers.map(short).reduceRight(([n, ...rest], { k, s, p, d }) =>
    [s * (n - 1) - 2 * p + d * (k - 1) + 1, n, ...rest], [outputs]);
  const { size, jump, start } = fields(layers).at(-1);
  const room = start + (Math.ceil(-start / jump) + 1) * jump + size; // for the second that does
  return Math.min(...found) > 0 && found[0] >= room ? found : lengths(layers, outputs + 1);
}

/** What output `at` sees at each level, input first: entries, places outside of it, links to the next level. */
export function seen(layers, at) {
  const sizes = lengths(layers);
  return layers.map(short).reduceRight((levels, { k, s, p, d }, i) => {
    const { real: readers, ends: [a, b] } = levels[0];
    const links = readers.flatMap((o) => Array.from({ length: k }, (_, t) => [o * s + t * d - p, o]));
    const read = [...new Set(links.map(([j]) => j))].sort((a, b) => a - b);
    const inside = (j) => j >= 0 && j < sizes[i];
    const ends = [a * s - p, b * s - p + d * (k - 1)]; // of the span
    const span = Array.from({ length: ends[1] - ends[0] + 1 }, (_, t) => ends[0] + t);
    return [{ real: read.filter(inside), outside: span.filter((j) => !inside(j)), links, ends }, ...levels];
  }, [{ real: [at], outside: [], links: [], ends: [at, at] }]);
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

const count = (many, one, more) => `${many} ${many === 1 ? one : more}`;

/** What output `at` sees where it has only looked back through some of the layers. */
export function partly(levels, back, at) {
  const { real } = levels.at(-1 - back);
  return `Back through ${count(back, "layer", "layers")}: output ${at} sees ${count(real.length, "entry", "entries")}.`;
}

/** What output `at` sees, and where size and jump come from. */
export function spell(layers, at) {
  const [found, levels] = [fields(layers), seen(layers, at)];
  const { size, jump } = found.at(-1);
  const { real, outside } = levels[0];
  const others = [[size - outside.length - real.length, "skipped"], [outside.length, "outside"]]
    .filter(([many]) => many).map((words) => words.join(" ")).join(", ");
  const range = real.length > 1 ? `x[${real[0]}] to x[${real.at(-1)}]` : `x[${real[0]}]`;
  const many = real.length < size ? `${real.length} of ${size} places` : `${size} input${size > 1 ? "s" : ""}`;
  const line = real.length ? `Output ${at} sees ${many}, ${range}${others && ` (${others})`}.` : `Output ${at} sees only padding.`;
  const notes = [
    `A layer adds (k\u00a0−\u00a01)${layers.some(({ dilation }) => dilation > 1) ? "·d" : ""} times its input's jump.`,
    `jump ${jump} = ${layers.map(({ stride }) => stride).join("·")}, all the strides.`,
  ];
  return { line, notes };
}
