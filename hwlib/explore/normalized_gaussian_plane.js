// How batch norm of two features is drawn: a cloud before and after it, in one plane.

// While a dot is held: the axis of the ellipse that the pointer does not hold keeps its length, and the frame stays.
const grabbed = {};
const LINES = 6; // from points to what becomes of them; more would hide the clouds

/** From where to where the axes go: the same for all presets, more where 2-SD contours need it, of one shape. */
function frame(pairs) {
  const [x, y] = [[-5.4, 4.6], [-3.2, 5.4]].map(([lo, hi], k) => [
    Math.min(lo, ...pairs.map((pair) => pair[k][0] - 2 * pair[k][1] - 0.4)),
    Math.max(hi, ...pairs.map((pair) => pair[k][0] + 2 * pair[k][1] + 0.4)),
  ]);
  const half = Math.max((x[1] - x[0]) / 2, (y[1] - y[0]) / 1.72);
  return [[x, half], [y, 0.86 * half]].map(([[lo, hi], r]) => [(lo + hi) / 2 - r, (lo + hi) / 2 + r]);
}

/** The clouds of inputs and outputs, or of a step between; the ellipse of the inputs is held at its middle and its axes. */
function clouds(svg, found, { rho, gamma, gamma2, beta, beta2, stage, doublings }) {
  const [one, two] = found;
  const input = found.map((f) => f.inputs);
  // Which a and b make of x what is seen: the batch itself, without its mean, or the outputs.
  const maps = found.map((f) => [[1, 0], [1, -f.batch[0]], [f.a, f.b]][stage]);
  const output = maps.map(([a, b], k) => [a * input[k][0] + b, Math.abs(a) * input[k][1]]);
  const turned = rho * Math.sign(maps[0][0] * maps[1][0]);
  const wide = matchMedia("(min-width: 40rem)").matches;
  const width = wide ? 440 : 340;
  const [x, y] = grabbed.frame ?? frame([input, found.map((f) => f.outputs), output]);
  svg.frame = [x, y];
  const margin = { left: 40, right: 4, top: 28, bottom: 36 };
  const { X, Y, path, invert } = axes(svg, { x, y, xlabel: "feature 1", ylabel: "feature 2", width, equal: true, margin });
  svg.setAttribute("width", width);
  const angles = Array.from({ length: 91 }, (_, i) => (i * Math.PI) / 45);
  const ring = ([m, s], [k, t], r) => path(angles.map((v) => [m + 2 * s * Math.cos(v),
    k + 2 * t * (r * Math.cos(v) + Math.sqrt(1 - r ** 2) * Math.sin(v))]));
  const seen = maps.map(([a, b], k) => found[k].x.map((v) => a * v + b));
  const points = (key, look, [u, v], mark) => curve(svg, `points-${key}`,
    `point plot-${look} ${doublings > 7 ? "plot-many" : ""}`, u.map((p, i) => `M${X(p)} ${Y(v[i])}${mark}`).join(""));
  curve(svg, "cloud-white", "ink", ring([0, 1], [0, 1], 0));
  points("x", "a", [one.x, two.x], "h.01");
  curve(svg, "cloud-lines", "ink", one.x.slice(0, LINES).map((v, i) =>
    `M${X(v)} ${Y(two.x[i])}L${X(seen[0][i])} ${Y(seen[1][i])}`).join(""));
  points("y", "b", seen, "m-2.5 0h5m-2.5 -2.5v5");
  curve(svg, "cloud-a", "a", ring(...input, rho));
  curve(svg, "cloud-b", "b", ring(...output, turned));

  const names = layer(svg, "g", "gauss-names");
  names.replaceChildren();
  const name = (px, py, text, kind) => add(names, "text", { x: px, y: py, class: kind }, text);
  /** Its long axis, and from (px, py) on the name and the angle; directions and lengths of both axes. */
  function axis(look, called, [[m, s], [k, t]], r, px, py) {
    const round = circular(s, t, r, look === "b" ? 0.1 : 1e-3); // which way a batch bends a circle is chance
    const angle = round ? Math.PI / 4 : (tilt(s, t, r) * Math.PI) / 180;
    const lengths = halfAxes(s, t, r);
    const way = [Math.cos(angle), Math.sin(angle)];
    const [u, v] = way.map((c) => 2 * lengths[0] * c);
    curve(svg, `axis-${look}`, look, round ? "" : `M${X(m - u)} ${Y(k - v)}L${X(m + u)} ${Y(k + v)}`);
    const said = !s && !t ? "a point" : round ? "round" : `axis ${typeset(+((angle * 180) / Math.PI).toFixed(1))}°`;
    name(px, py - 16, called, look);
    name(px, py, said, look);
    return [way, lengths];
  }
  const [[c, s], [d, t]] = input;
  const [way, lengths] = axis("a", "inputs x", input, rho, Math.max(margin.left + 4, X(c - 2 * s)), Math.max(60, Y(d + 2 * t) - 12));
  // The outputs' name stands at their right, where the ellipse leans away from it; likewise that of the circle.
  const [[p, wide1], [q, high]] = output;
  axis("b", ["the batch", "x − mean", "outputs y"][stage], output, turned,
    Math.min(X(Math.max(2, p + 2 * wide1)) + 10, width - (wide ? 94 : 84)), turned < 0 ? Y(q + 1.5 * high) + 16 : Y(q - 1.3 * high));
  name(X(turned < 0 ? -0.9 : 0.9), Y(-2) + 18, "whitening: a circle", turned < 0 ? "white plot-end" : "white");
  const steps = ["1  subtract the mean", "2  divide by the sd"];
  if (gamma !== 1 || gamma2 !== 1 || beta || beta2) steps.push("3  · γ, + β");
  steps.forEach((text, i) => name((wide ? [40, 202, 348] : [2, 146, 272])[i], 16, text, stage > i || stage === 2 ? "step done" : "step"));

  const [m, k] = [c, d];
  // The mean of the inputs, and where this batch's map sends it.
  const apart = Math.hypot(X(p) - X(m), Y(q) - Y(k)) > 40;
  curve(svg, "cloud-mean", "ink", apart ? `M${X(m)} ${Y(k)}L${X(p)} ${Y(q)}` : "");
  if (apart) {
    name(X(m) - 7, Y(k) + 16, "μ", "a plot-end");
    name(X(p) + 7, Y(q) + 17, "μ", "b");
  }
  [way, [-way[1], way[0]]].forEach(([a, b], i) => [-2, 2].forEach((c) => {
    const key = `${i ? "short" : "long"}${c}`;
    dot(svg, `axis-${key}`, "a", X(m + c * lengths[i] * a), Y(k + c * lengths[i] * b)).dataset.grip = key;
  }));
  dot(svg, "dot-inputs", "a", X(m), Y(k)).dataset.grip = "inputs";
  const middle = dot(svg, "dot-outputs", "b", X(p), Y(q));
  if (stage === 2) middle.dataset.grip = "outputs";
  else delete middle.dataset.grip;
  return (px, py, held) => {
    const [u, v] = invert(px, py);
    if (held === "inputs") return { mean: u, mean2: v };
    if (held === "outputs") return { beta: beta + u - p, beta2: beta2 + v - q };
    grabbed.across ??= lengths[held.startsWith("long") ? 1 : 0];
    const [std, std2, r] = cloud((u - m) / 2, (v - k) / 2, grabbed.across);
    return { std, std2, rho: r };
  };
}
