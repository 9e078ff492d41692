// Which entries of a batch share one mean: batch, layer, instance or group norm, entry by entry.

const EPS = 1e-5;

/** The set of entries that one entry of x (N, C, HW) shares its mean with, and what becomes of it. */
export function share(x, { norm, groups, sample, channel, place }) {
  const [N, C, P] = [x.length, x[0].length, x[0][0].length];
  if (C % groups) throw new RangeError(`${C} channels do not fall into ${groups} equal groups.`);
  const width = { batch: 1, layer: C, instance: 1, group: C / groups }[norm];
  const first = Math.floor(channel / width) * width;
  const box = norm === "batch" ? { samples: [0, N], channels: [channel, channel + 1] }
    : { samples: [sample, sample + 1], channels: [first, first + width] };
  const has = (n, c) =>
    n >= box.samples[0] && n < box.samples[1] && c >= box.channels[0] && c < box.channels[1];
  const set = x.flatMap((rows, n) => rows.flatMap((row, c) => (has(n, c) ? row : [])));
  const mean = set.reduce((sum, v) => sum + v, 0) / set.length;
  const variance = set.reduce((sum, v) => sum + (v - mean) ** 2, 0) / set.length;
  const sd = Math.sqrt(variance + EPS);
  const entry = x[sample][channel][place];
  const factors = [box.samples[1] - box.samples[0], width, P];
  const sets = (N * C * P) / set.length;
  return { ...box, has, width, factors, count: set.length, sets, mean, sd, entry, z: (entry - mean) / sd };
}

export const short = (v) => typeset(+v.toFixed(2));

/** The set and how many entries it has, in words; and what becomes of the entry. */
export function spell(x, state) {
  const found = share(x, state);
  const { samples: [n, end], channels: [c, stop], factors, count, sets, mean, sd, entry, z } = found;
  const which = found.width === x[0].length ? `All ${found.width} channels`
    : found.width === 1 ? `Channel ${c}` : `Channels ${c} and ${stop - 1}`;
  const whose = end - n === 1 ? `sample ${n}` : `all ${x.length} samples`;
  return {
    line: `${which} of ${whose}: ${factors.join(" · ")} = ${count} entries share one mean.`,
    notes: `Ringed: (${typeset(entry)} − mean ${short(mean)}) / sd ${short(sd)} = ${short(z)}.\n` +
      `${sets} such sets of ${count} make up all ${sets * count} entries.`,
  };
}

/** Where the next set begins, null after the last. */
export function nextSet(x, state) {
  const { channels: [, stop] } = share(x, state);
  if (stop < x[0].length) return { channel: stop };
  return state.norm === "batch" || state.sample + 1 === x.length ? null : { channel: 0, sample: state.sample + 1 };
}
