// How batch norm of two features is drawn: a batch before and after it, on equal axes.

// While a dot is held: the axis of the ellipse that the pointer does not hold keeps its length, and the frame stays.
const grabbed = {};

/** From where to where the axes go: the same for all presets, more where 2-SD contours need it, of one shape. */
function frame(pairs) {
  const [x, y] = [[-5.4, 4.6], [-2.8, 4.8]].map(([lo, hi], k) => [
    Math.min(lo, ...pairs.map((pair) => pair[k][0] - 2 * pair[k][1] - 0.4)),
    Math.max(hi, ...pairs.map((pair) => pair[k][0] + 2 * pair[k][1] + 0.4)),
  ]);
  const half = Math.max((x[1] - x[0]) / 2, (y[1] - y[0]) / 1.52);
  return [[x, half], [y, 0.76 * half]].map(([[lo, hi], r]) => [(lo + hi) / 2 - r, (lo + hi) / 2 + r]);
}

/** A batch in a panel of its own: points, their 2-SD contour and the box around it, and words. */
function scatter(panel, look, points, [x, y], { title, size, xlabel = "feature 1", ylabel }) {
  const margin = { left: 40, right: 4, top: 44, bottom: 38 };
  const { X, Y, path, invert } = axes(panel, { x, y, xlabel, ylabel, width: size, equal: true, margin });
  const many = points[0].length > 200 ? "plot-many" : "";
  curve(panel, `points-${look}`, `point plot-${look} ${many}`, points[0].map((p, i) => `M${X(p)} ${Y(points[1][i])}h.01`).join(""));
  const [[m, s], [k, t]] = points.map(moments);
  const r = s && t ? correlation(...points) : 0;
  const [[u, p], [v, q]] = [[m - 2 * s, k - 2 * t], [m + 2 * s, k + 2 * t]];
  curve(panel, `box-${look}`, "ink", `${path([[u, p], [v, p], [v, q], [u, q]])}z`);
  const ring = (c, d, a, b, e) => path(Array.from({ length: 91 }, (_, i) => (i * Math.PI) / 45).map((w) =>
    [c + 2 * a * Math.cos(w), d + 2 * b * (e * Math.cos(w) + Math.sqrt(1 - e ** 2) * Math.sin(w))]));
  curve(panel, `cloud-${look}`, look, ring(m, k, s, t, r));
  const names = layer(panel, "g", "gauss-names");
  names.replaceChildren();
  const name = (px, py, text, kind) => add(names, "text", { x: px, y: py, class: kind }, text);
  const rows = [title, s && t ? `correlation ${short(r)}` : "a feature is constant"];
  rows.forEach((text, i) => name((margin.left + size) / 2, 13 + 19 * i, text, `${look} plot-middle ${i ? "small" : ""}`));
  name(X(r < 0 ? u : v), Y(p) + 17, `sd ${short(s)}`, r < 0 ? "small" : "small plot-end"); // where the ellipse is far
  name(X(v) + 7, (Y(p) + Y(q)) / 2 + 5, `sd ${short(t)}`, "small");
  return { X, Y, ring, name, invert, middle: [m, k], shape: [s, t, r], height: margin.top + margin.bottom + Y(y[0]) - Y(y[1]) };
}

// Lower triangular matrices [[a, 0], [b, c]]: the root of a covariance, products and inverses.
const root = (s, t, r) => [s, t * r, t * Math.sqrt(1 - r ** 2)];
const times = ([a, b, c], [d, e, f]) => [a * d, b * d + c * e, c * f];
const inverse = ([a, b, c]) => [1 / a, -b / (a * c), 1 / c];

/** The distribution that gives this batch, which has this middle and shape, the shape `to` about the same middle. */
export function reshaped({ mean, mean2, std, std2, rho }, { middle: [m, k], shape }, to) {
  const [a, b, c] = times(root(...to), inverse(root(...shape))); // what each point of the batch is multiplied by
  const [s, p, q] = times([a, b, c], root(std, std2, rho));
  const t = Math.hypot(p, q);
  return { mean: m + a * (mean - m), mean2: k + b * (mean - m) + c * (mean2 - k), std: s, std2: t, rho: p / t };
}

/** The inputs, whose ellipse is held at its middle and its axes, and the outputs or a step between. */
function clouds(svg, found, state) {
  const { gamma, gamma2, beta, beta2, mean, mean2, stage } = state;
  // Which a and b make of x what is seen: the batch itself, without its mean, or the outputs.
  const maps = found.map((f) => [[1, 0], [1, -f.batch[0]], [f.a, f.b]][stage]);
  const seen = maps.map(([a, b], k) => found[k].x.map((v) => a * v + b));
  const wide = matchMedia("(min-width: 40rem)").matches;
  const size = wide ? 352 : 340;
  const both = grabbed.frame ?? frame([found.map((f) => f.batch), found.map((f) => f.after), seen.map(moments)]);
  svg.frame = both;
  const put = (key, x, y) => {
    const panel = layer(svg, "g", key);
    panel.setAttribute("transform", `translate(${x} ${y})`);
    return panel;
  };
  const left = put("gauss-before", 0, 0);
  const one = scatter(left, "a", found.map((f) => f.x), both, { size, xlabel: wide ? "feature 1" : "", ylabel: "feature 2", title: "inputs x" });
  const [dx, dy] = wide ? [size + 20, 0] : [0, one.height - 8];
  svg.setAttribute("viewBox", `0 0 ${size + dx} ${one.height + dy}`);
  svg.setAttribute("width", wide ? size + dx : 306);
  const scaled = gamma !== 1 || gamma2 !== 1 || beta || beta2;
  const title = ["the same batch", "x − mean", scaled ? "y = γ (x − mean) / sd + β" : "outputs y = (x − mean) / sd"][stage];
  const right = put("gauss-after", dx, dy);
  const two = scatter(right, "b", seen, both, { size, ylabel: wide ? "" : "feature 2", title });
  curve(right, "cloud-white", "ink", stage === 2 ? two.ring(0, 0, 1, 1, 0) : "");
  if (stage === 2) two.name(two.X(0), two.Y(2) - 9, "whitening: a circle", "plot-middle white");

  const { X, Y, shape, middle: [m, k] } = one;
  const angle = (tilt(...shape) * Math.PI) / 180;
  const lengths = halfAxes(...shape);
  const way = [Math.cos(angle), Math.sin(angle)];
  [way, [-way[1], way[0]]].forEach(([a, b], i) => [-2, 2].forEach((c) => {
    const key = `${i ? "short" : "long"}${c}`;
    const end = dot(left, `axis-${key}`, "a", X(m + c * lengths[i] * a), Y(k + c * lengths[i] * b));
    end.setAttribute("r", 4.5);
    end.dataset.grip = key;
  }));
  dot(left, "dot-inputs", "a", X(m), Y(k)).dataset.grip = "inputs";
  const [p, q] = two.middle;
  const dropped = dot(right, "dot-outputs", "b", two.X(p), two.Y(q));
  if (stage === 2) dropped.dataset.grip = "outputs";
  else delete dropped.dataset.grip;
  return (px, py, held) => {
    const [u, v] = held === "outputs" ? two.invert(px - dx, py - dy) : one.invert(px, py);
    if (held === "outputs") return { beta: beta + u - p, beta2: beta2 + v - q };
    if (held === "inputs") return { mean: mean + u - m, mean2: mean2 + v - k };
    grabbed.across ??= lengths[held.startsWith("long") ? 1 : 0];
    return reshaped(state, one, cloud((u - m) / 2, (v - k) / 2, grabbed.across));
  };
}
