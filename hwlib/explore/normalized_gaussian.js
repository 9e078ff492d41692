// Batch norm of Gaussian inputs with one feature or two: of a batch, and of the whole distribution.

const EPS = 1e-5;
const FEATURES = [["mean", "std", "gamma", "beta"], ["mean2", "std2", "gamma2", "beta2"]];
const average = (values) => values.reduce((sum, v) => sum + v, 0) / values.length;
const moments = (values) => {
  const mean = average(values);
  return [mean, Math.sqrt(average(values.map((v) => (v - mean) ** 2)))];
};

/** For each feature the batch x, y = a x + b, and five pairs of mean and standard deviation. */
export function normalize(state, features) {
  const n = 2 ** state.doublings;
  const z = normals(state.batch, 2 * n); // pairs, so a larger batch holds the smaller one
  return FEATURES.slice(0, features).map((names, k) => {
    const [m, s, gamma, beta] = names.map((name) => state[name]);
    const { rho } = state;
    const tied = (i) => (k ? rho * z[i] + Math.sqrt(1 - rho ** 2) * z[i + 1] : z[i]);
    const x = Array.from({ length: n }, (_, i) => m + s * tied(2 * i));
    const [mean, sd] = moments(x);
    const a = gamma / Math.sqrt(sd ** 2 + EPS);
    const b = beta - a * mean;
    const y = x.map((v) => a * v + b);
    return { x, y, a, b, batch: [mean, sd], after: moments(y), inputs: [m, s],
      outputs: [a * m + b, Math.abs(a) * s], limit: [beta, Math.abs(gamma) * s / Math.sqrt(s ** 2 + EPS)] };
  });
}

/** What `normalize` finds for the batches that were drawn before, the first batch first. */
export const earlier = (state, features) =>
  Array.from({ length: state.batch - 1 }, (_, k) => normalize({ ...state, batch: k + 1 }, features));

export function correlation(x, y) {
  const [[m, s], [k, t]] = [moments(x), moments(y)];
  return average(x.map((v, i) => (v - m) * (y[i] - k))) / (s * t);
}

/** The angle in degrees of the long axis of a cloud in the plane. */
export const tilt = (s, t, rho) => (Math.atan2(2 * rho * s * t, s ** 2 - t ** 2) * 90) / Math.PI;

/** The lengths of the long and of the short axis of a cloud's 1-SD contour. */
export function halfAxes(s, t, rho) {
  const [middle, apart] = [(s ** 2 + t ** 2) / 2, Math.hypot((s ** 2 - t ** 2) / 2, rho * s * t)];
  return [middle + apart, Math.max(0, middle - apart)].map(Math.sqrt);
}

/** Standard deviations and correlation of the cloud with a half axis (u, v) and one across of this length. */
export function cloud(u, v, across) {
  const long = Math.hypot(u, v) || 1e-9;
  const [p, q] = [(-v / long) * across, (u / long) * across];
  const [s, t] = [Math.hypot(u, p), Math.hypot(v, q)];
  return [s, t, (u * v + p * q) / (s * t)];
}

const short = (v) => typeset(Math.abs(v) < 5e-3 ? 0 : +v.toFixed(2));

/** The batch in words; `before` are the earlier batches. */
export function spell({ doublings, batch, stage }, found, before = []) {
  const [one, two] = found;
  if (two) return plane(one, two, stage);
  const [m, through, limit] = ["inputs", "outputs", "limit"].map((key) => short(one[key][0]));
  const line = `Batch ${batch} of n = ${2 ** doublings} examples maps μ = ${m} to ${through}.`;
  if (!one.a) return { line, notes: `γ = 0: every input becomes β = ${limit}.` };
  const images = [...before, found].map(([feature]) => feature.outputs[0]);
  return { line, notes: before.length ? `In batches 1 to ${batch}, from ${short(Math.min(...images))} to ${short(Math.max(...images))}.`
    : `A very large batch would map μ to β = ${limit}.` };
}

function plane(one, two, stage) {
  const kept = ["x", "y"].map((key) => correlation(one[key], two[key]));
  const whole = one.a && two.a;
  const [before, after] = kept.map(short);
  const axes = ["batch", "after"].slice(0, whole ? 2 : 1).map((key, i) => [one[key][1], two[key][1], kept[i]]);
  const round = axes.some((shape) => halfAxes(...shape).reduce((long, short) => long / short) < 1.1); // it has no long axis to speak of
  const [from, to = "none"] = axes.map((shape) => `${typeset(+tilt(...shape).toFixed(1))}°`);
  const notes = (axis) => `Ellipses and boxes: ±2 sd.${axis ? `\nLong axis: ${axis}` : ""}`;
  // What the picture tells those who see it.
  const pair = (key, i) => [one, two].map((f) => short(key(f)[i])).join(" and ");
  const [inputs, now] = [(f) => f.batch, [(f) => f.batch, (f) => [0, f.batch[1]], (f) => f.after][stage]];
  const drawn = `Means ${pair(inputs, 0)} → ${pair(now, 0)}, standard deviations ${pair(inputs, 1)} → ${pair(now, 1)}.`;
  if (stage === 0) return { drawn, line: `This batch of inputs has correlation ${before}.`, notes: notes(from) };
  if (stage === 1) return { drawn, line: `Subtracting the means moves this batch: correlation ${before} → ${before}.`, notes: notes(`${from} → ${from}`) };
  const does = one.a * two.a > 0 ? "Batch norm keeps this batch’s correlation" : "One negative γ flips the sign of this batch’s correlation";
  return { drawn, line: whole ? `${does}: ${before} → ${after}.` : `Correlation ${before} → not defined: a feature is constant.`,
    notes: notes(round ? "" : `${from} → ${to}`) };
}
