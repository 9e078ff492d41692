// How batch norm of two features is drawn: the inputs, and in the same plane what each step makes of them.

// While a dot is held: the axis of the ellipse that the pointer does not hold keeps its length, and the frame stays.
const grabbed = {};

/** From where to where the axes go: the same for all presets, more where 2-SD contours need it, of one shape, with room for names. */
function frame(pairs, tall) {
  const [x, y] = [[-6.5, 2, 0.04, 0.17], [-2, 4.2, 0.17, 0.17]].map(([least, most, below, above], k) => {
    const lo = Math.min(least, ...pairs.map((pair) => pair[k][0] - 2 * pair[k][1]));
    const hi = Math.max(most, ...pairs.map((pair) => pair[k][0] + 2 * pair[k][1]));
    return [lo - below * (hi - lo), hi + above * (hi - lo)];
  });
  const half = Math.max((x[1] - x[0]) / 2, (y[1] - y[0]) / 2 / tall);
  return [[x, half], [y, tall * half]].map(([[lo, hi], r]) => [(lo + hi) / 2 - r, (lo + hi) / 2 + r]);
}

/**
 * A batch: its points, their 2-SD contour and the box around it. One standard deviation of each feature
 * stands at the right of the box, and above or below it with `title`.
 */
function scatter(svg, parent, { X, Y, path, width }, look, points, { upper, title }) {
  const line = (key, kind, d) => {
    const made = layer(parent, "path", key);
    made.setAttribute("class", `${key} plot-curve plot-${kind}`);
    made.setAttribute("clip-path", `url(#${svg.querySelector("clipPath").id})`);
    made.setAttribute("d", d);
  };
  const many = points[0].length > 200 ? "plot-many" : "";
  line(`points-${look}`, `point plot-${look} ${many}`, points[0].map((p, i) => `M${X(p)} ${Y(points[1][i])}h.01`).join(""));
  const [[m, s], [k, t]] = points.map(moments);
  const r = s && t ? correlation(...points) : 0;
  const [[u, p], [v, q]] = [[m - 2 * s, k - 2 * t], [m + 2 * s, k + 2 * t]];
  line(`box-${look}`, "ink", `${path([[u, p], [v, p], [v, q], [u, q]])}z`);
  const ring = (c, d, a, b, e) => path(Array.from({ length: 91 }, (_, i) => (i * Math.PI) / 45).map((w) =>
    [c + 2 * a * Math.cos(w), d + 2 * b * (e * Math.cos(w) + Math.sqrt(1 - e ** 2) * Math.sin(w))]));
  line(`cloud-${look}`, look, ring(m, k, s, t, r));
  const [row, column] = [Y(upper ? q : p) + (upper ? -10 : 10), X(v) + 10];
  line(`sd-${look}`, look, `M${X(m)} ${row - 4}v8m0 -4H${X(m + s)}m0 -4v8M${column - 4} ${Y(k)}h8m-4 0V${Y(k + t)}m-4 0h8`);
  const names = layer(parent, "g", "gauss-names");
  names.replaceChildren();
  const name = (px, py, text, kind) => add(names, "text", { x: px, y: py, class: `${look} ${kind}` }, text);
  name(Math.min(X(m + s) + 8, width - 58), row + 5, `sd ${short(s)}`, "small");
  name(column + 10, (Y(k) + Y(k + t)) / 2 + 5, `sd ${short(t)}`, "small");
  name(Math.min(X(m), width - 4.2 * title.length), row + (upper ? -14 : 26), title, "plot-middle");
  return { ring, line, middle: [m, k], shape: [s, t, r] };
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
  const tall = wide ? 0.63 : 0.86;
  // Every step is in the frame, so that it stays during Play.
  const [x, y] = svg.frame = grabbed.frame ?? frame([found.map((f) => f.batch), found.map((f) => [0, f.batch[1]]), found.map((f) => f.after)], tall);
  const width = wide ? 740 : 340;
  const margin = { left: 40, right: 6, top: 6, bottom: 38 };
  const plane = { width, ...axes(svg, { x, y, xlabel: "feature 1", ylabel: "feature 2", width, equal: true, margin }) };
  const { X, Y, invert } = plane;
  svg.setAttribute("width", width);
  const scaled = gamma !== 1 || gamma2 !== 1 || beta || beta2;
  const title = ["", "x − mean", scaled ? "y = γ (x − mean) / sd + β" : "outputs y = (x − mean) / sd"][stage];
  // What is said of the upper one stands above it, of the lower one below.
  const upper = !stage || found[1].batch[0] >= average(seen[1]);
  const [left, made] = ["gauss-before", "gauss-after"].map((key) => layer(svg, "g", key));
  const one = scatter(svg, left, plane, "a", found.map((f) => f.x), { upper, title: "inputs x" });
  made.style.opacity = stage ? "" : 0; // at first there are only inputs
  const two = scatter(svg, made, plane, "b", seen, { upper: !upper, title });
  two.line("cloud-white", "ink", stage === 2 ? two.ring(beta, beta2, 1, 1, 0) : "");
  if (stage === 2) // at its left, where it touches the box
    ["whitening gives", "the gray circle"].forEach((text, i) => add(layer(made, "g", "gauss-names"), "text",
      { x: Math.max(X(beta - 2) - 10, 150), y: Y(beta2) + 18 * i - 4, class: "small plot-end" }, text));

  const { shape, middle: [m, k] } = one;
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
  const dropped = dot(made, "dot-outputs", "b", X(p), Y(q));
  if (stage === 2) dropped.dataset.grip = "outputs";
  else delete dropped.dataset.grip;
  return (px, py, held) => {
    const [u, v] = invert(px, py);
    if (held === "outputs") return { beta: beta + u - p, beta2: beta2 + v - q };
    if (held === "inputs") return { mean: mean + u - m, mean2: mean2 + v - k };
    grabbed.across ??= lengths[held.startsWith("long") ? 1 : 0];
    return reshaped(state, one, cloud((u - m) / 2, (v - k) / 2, grabbed.across));
  };
}
