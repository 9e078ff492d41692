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

export function correlation(x, y) {
  const [[m, s], [k, t]] = [moments(x), moments(y)];
  return average(x.map((v, i) => (v - m) * (y[i] - k))) / (s * t);
}

/** The angle in degrees of the long axis of a cloud in the plane. */
export const tilt = (s, t, rho) => (Math.atan2(2 * rho * s * t, s ** 2 - t ** 2) * 90) / Math.PI;

/** Whether a cloud is circular, but for ε. */
export const circular = (s, t, rho) =>
  Math.hypot(s ** 2 - t ** 2, 2 * rho * s * t) < 1e-3 * (s ** 2 + t ** 2);

/** The correlation of the outputs: scales of unlike signs mirror the cloud. */
const turn = (rho, one, two) => rho * Math.sign(one.a * two.a);
const short = (v) => typeset(Math.abs(v) < 5e-3 ? 0 : +v.toFixed(2));
const becomes = (from, to) => `${from.map(short).join(", ")} → ${to.map(short).join(", ")}`;

export function spell({ doublings, rho }, found) {
  const all = (key, i) => found.map((feature) => feature[key][i]);
  const line = [`Batch of ${2 ** doublings}, in → out:`,
    `mean ${becomes(all("batch", 0), all("after", 0))}`,
    `sd ${becomes(all("batch", 1), all("after", 1))}`];
  const [one, two] = found;
  if (!two) {
    const [m, through, limit] = ["inputs", "outputs", "limit"].map((key) => short(one[key][0]));
    const sign = one.b < 0 ? "−" : "+";
    return { line, notes: `This batch's map: y = ${short(one.a)} x ${sign} ${short(Math.abs(one.b))}\n` +
      `An input at the mean μ = ${m} becomes ${through}; in a very large batch, ${limit}.` };
  }
  line.push(`correlation ${becomes([correlation(one.x, two.x)], [correlation(one.y, two.y)])}`);
  const turned = turn(rho, one, two);
  const axis = (key, r) => {
    const cloud = [one[key][1], two[key][1], r];
    return circular(...cloud) ? "none (a circle)" : `${typeset(+tilt(...cloud).toFixed(1))}°`;
  };
  return { line, notes: `Long axis: inputs ${axis("inputs", rho)}, by this batch's maps ` +
    `${axis("outputs", turned)}, in a very large batch ${axis("limit", turned)}.` };
}

const range = (label, min, max, step = 0.25) => [label, { type: "range", min, max, step }];
const LABELS = { mean: ["mean μ", -3, 3], std: ["sd σ", 0.25, 2], gamma: ["scale γ", -2, 2], beta: ["shift β", -3, 3] };
const ONE = {}, TWO = {};
for (const [name, [label, ...ends]] of Object.entries(LABELS)) {
  ONE[name] = range(label, ...ends);
  TWO[name] = range(`${label}₁`, ...ends);
  TWO[`${name}2`] = range(`${label}₂`, ...ends);
}
TWO.rho = range("correlation ρ", -0.9, 0.9, 0.1);
const BATCH = { doublings: range("batch size n", 2, 10, 1), batch: range("another batch", 1, 20, 1) };
const KEYS = { a: "inputs", b: "outputs, by this batch's map", c: "outputs, very large batch" };

/** Two bells, one above the other; a finger above moves μ, below β. */
function bells(svg, [{ x, y, inputs, outputs, limit }]) {
  const bell = ([m, s]) => (v) => Math.exp(-(((v - m) / s) ** 2) / 2) / (s * Math.sqrt(2 * Math.PI));
  const top = 1.1 * Math.max(bell(inputs)(inputs[0]), bell(limit)(limit[0]));
  const grid = Array.from({ length: 561 }, (_, i) => -7 + i / 40);
  const panel = (name, below, batch, curves) => {
    const g = layer(svg, "g", name);
    const labels = { xlabel: below ? "output y" : "input x", ylabel: "density" };
    const { X, Y, path, invert } = axes(g, { x: [-7, 7], y: [0, top], ...labels, width: 310, height: 145 });
    g.setAttribute("transform", `translate(0 ${below})`);
    curve(g, "batch", `point plot-${below ? "b" : "a"}`, batch.map((v) => `M${X(v)} ${Y(0)}v-9`).join(""));
    for (const look in curves) {
      const density = bell(curves[look]);
      curve(g, `bell-${look}`, look, path(grid.map((v) => [v, density(v)])));
    }
    return invert;
  };
  const invert = panel("before", 0, x, { a: inputs });
  panel("after", 145, y, { c: limit, b: outputs });
  svg.setAttribute("viewBox", "0 0 310 290");
  svg.setAttribute("width", 434);
  return (px, py) => ({ [py < 145 ? "mean" : "beta"]: invert(px, 0)[0] });
}

/** Two clouds with their contours; a finger moves the nearer middle. */
function clouds(svg, [one, two], rho, held) {
  const { X, Y, path, invert } = axes(svg, { x: [-7, 7], y: [-7, 7], xlabel: "feature 1", ylabel: "feature 2", width: 310, equal: true });
  const angles = Array.from({ length: 91 }, (_, i) => (i * Math.PI) / 45);
  const contours = (key, look, r) => {
    const [[m, s], [k, t]] = [one[key], two[key]];
    const ring = (c) => path(angles.map((v) => [m + c * s * Math.cos(v),
      k + c * t * (r * Math.cos(v) + Math.sqrt(1 - r ** 2) * Math.sin(v))]));
    curve(svg, `cloud-${look}`, look, ring(1) + ring(2));
  };
  const points = (key, look, mark) =>
    curve(svg, `points-${key}`, `point plot-${look}`, one[key].map((v, i) => `M${X(v)} ${Y(two[key][i])}${mark}`).join(""));
  const turned = turn(rho, one, two);
  points("x", "a", "h.01");
  points("y", "b", "m-2.5 0h5m-2.5 -2.5v5");
  contours("inputs", "a", rho);
  contours("limit", "c", turned);
  contours("outputs", "b", turned);
  dot(svg, "dot-inputs", "a", X(one.inputs[0]), Y(two.inputs[0]));
  dot(svg, "dot-limit", "c", X(one.limit[0]), Y(two.limit[0]));
  return (px, py) => {
    const [u, v] = invert(px, py);
    const far = (key) => Math.hypot(u - one[key][0], v - two[key][0]);
    held.which ??= far("inputs") <= far("limit") ? ["mean", "mean2"] : ["beta", "beta2"];
    return { [held.which[0]]: u, [held.which[1]]: v };
  };
}

export default {
  render({ model, el }) {
    const plane = model.get("features") === 2;
    const held = {}; // the middle that the pointer drags
    el.addEventListener("pointerdown", () => delete held.which, true);
    const draw = (state, { svg, line, notes, inputs }) => {
      say(inputs.doublings, `${2 ** state.doublings}`);
      if (!state.gamma || state.gamma2 === 0) {
        notes.textContent = "The picture still shows the last scale that was not 0.";
        throw new RangeError("With γ = 0 every output of that feature is its β, so there is no density to draw.");
      }
      const found = normalize(state, plane ? 2 : 1);
      const words = spell(state, found);
      line.textContent = words.line.join("\n");
      notes.textContent = "";
      for (const look in KEYS) {
        add(notes, "span", { class: `explore-key plot-${look}` }, KEYS[look]);
        notes.append(" ");
      }
      notes.append(`\n${words.notes}`);
      svg.setAttribute("aria-label", `Gaussian inputs and outputs. ${words.line.join(", ")}. ${words.notes}`);
      return plane ? clouds(svg, found, state.rho, held) : bells(svg, found);
    };
    explore({ model, el }, "Batch norm of a Gaussian", { ...(plane ? TWO : ONE), ...BATCH }, draw, "explore-pairs");
  },
};
