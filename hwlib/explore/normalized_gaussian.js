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

/** Whether a cloud is circular, but for ε (or what else is `near` enough); or a point. */
export const circular = (s, t, rho, near = 1e-3) =>
  Math.hypot(s ** 2 - t ** 2, 2 * rho * s * t) <= near * (s ** 2 + t ** 2);

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

/** The correlation of the outputs: scales of unlike signs mirror the cloud. */
const turn = (rho, one, two) => rho * Math.sign(one.a * two.a);
const short = (v) => typeset(Math.abs(v) < 5e-3 ? 0 : +v.toFixed(2));
const becomes = (from, to) => `${from.map(short).join(", ")} → ${to.map(short).join(", ")}`;

/** The batch in numbers, and the map; `before` are the earlier batches. */
export function spell({ doublings, batch, rho }, found, before = []) {
  const all = (key, i) => found.map((feature) => feature[key][i]);
  const line = [`Batch ${batch}: n = ${2 ** doublings}, in → out`,
    `mean ${becomes(all("batch", 0), all("after", 0))}`,
    `sd ${becomes(all("batch", 1), all("after", 1))}`];
  const [one, two] = found;
  if (!two) {
    const [m, through, limit] = ["inputs", "outputs", "limit"].map((key) => short(one[key][0]));
    if (!one.a) return { line, notes: `γ = 0: every input becomes β = ${limit}.` };
    const sign = one.b < 0 ? "−" : "+";
    const images = [...before, found].map(([feature]) => feature.outputs[0]);
    const so = before.length
      ? `\nIn batches 1 to ${batch} it became ${short(Math.min(...images))} to ${short(Math.max(...images))}.` : "";
    return { line, notes: `This batch's map: y = ${short(one.a)} x ${sign} ${short(Math.abs(one.b))}\n` +
      `An input at the mean μ = ${m} becomes ${through}; in a very large batch, ${limit}.${so}` };
  }
  line.push(one.a * two.a ? `correlation ${becomes([correlation(one.x, two.x)], [correlation(one.y, two.y)])}`
    : `correlation ${short(correlation(one.x, two.x))} → not defined`);
  const turned = turn(rho, one, two);
  const axis = (key, r) => {
    const shape = [one[key][1], two[key][1], r];
    if (circular(...shape)) return shape[0] ? "none (a circle)" : "none (a point)";
    // Which way a batch bends a circle is chance.
    if (key === "outputs" && circular(...shape, 0.1)) return "none (nearly a circle)";
    return `${typeset(+tilt(...shape).toFixed(1))}°`;
  };
  return { line, notes: `Long axis: inputs ${axis("inputs", rho)}, by this batch's maps ` +
    `${axis("outputs", turned)}, in a very large batch ${axis("limit", turned)}.` };
}
