// How batch norm of two features is drawn: clouds in the plane, with their contours.

// While a dot is held: the axis of the ellipse that the pointer does not hold keeps its length, and the frame stays.
const grabbed = {};

/** From where to where the axes go: a square around the 2-SD contours of all that may be drawn. */
function frame(pairs) {
  const ends = [0, 1].map((k) => [
    Math.min(...pairs.map((pair) => pair[k][0] - 2 * pair[k][1])),
    Math.max(...pairs.map((pair) => pair[k][0] + 2 * pair[k][1])),
  ]);
  const half = Math.max(...ends.map(([lo, hi]) => hi - lo)) / 2 + 0.4;
  return ends.map(([lo, hi]) => [(lo + hi) / 2 - half, (lo + hi) / 2 + half]);
}

/** The clouds of inputs and outputs; the ellipse of the inputs is held at its middle and its axes. */
function clouds(svg, [one, two], before, { rho }, every) {
  const pairs = [[one.inputs, two.inputs], [one.limit, two.limit], [[0, 1], [0, 1]]]; // the last is the whitened cloud
  const [x, y] = grabbed.frame ?? frame([...pairs, ...every.map((both) => both.map((f) => f.outputs))]);
  svg.frame = [x, y];
  const { X, Y, path, invert } = axes(svg, { x, y, xlabel: "feature 1", ylabel: "feature 2", width: 330, equal: true });
  const angles = Array.from({ length: 91 }, (_, i) => (i * Math.PI) / 45);
  const ring = ([m, s], [k, t], r, c) => path(angles.map((v) => [m + c * s * Math.cos(v),
    k + c * t * (r * Math.cos(v) + Math.sqrt(1 - r ** 2) * Math.sin(v))]));
  const contours = (key, look, r) => {
    const pairs = [one[key], two[key]];
    curve(svg, `cloud-${look}`, look, ring(...pairs, r, 1) + ring(...pairs, r, 2));
  };
  const points = (key, look, mark) =>
    curve(svg, `points-${key}`, `point plot-${look}`, one[key].map((v, i) => `M${X(v)} ${Y(two[key][i])}${mark}`).join(""));
  const ghosts = layer(svg, "g", "gauss-ghosts");
  ghosts.replaceChildren();
  before.forEach(([first, second], k) => add(ghosts, "path", {
    d: ring(first.outputs, second.outputs, turn(rho, first, second), 2),
    style: `stroke-opacity: ${(0.15 + (0.6 * (k + 1)) / before.length).toFixed(2)}`,
  }));
  const turned = turn(rho, one, two);
  points("x", "a", "h.01");
  points("y", "b", "m-2.5 0h5m-2.5 -2.5v5");
  curve(svg, "cloud-white", "ink", [1, 2].map((c) => ring([0, 1], [0, 1], 0, c)).join(""));
  contours("inputs", "a", rho);
  contours("limit", "c", turned);
  contours("outputs", "b", turned);

  const shape = [one.inputs[1], two.inputs[1], rho];
  const lengths = halfAxes(...shape);
  const angle = (tilt(...shape) * Math.PI) / 180;
  const ways = [[Math.cos(angle), Math.sin(angle)], [-Math.sin(angle), Math.cos(angle)]];
  const [m, k] = [one.inputs[0], two.inputs[0]];
  ways.forEach(([a, b], i) => [-2, 2].forEach((c) => {
    const key = `${i ? "short" : "long"}${c}`;
    dot(svg, `axis-${key}`, "a", X(m + c * lengths[i] * a), Y(k + c * lengths[i] * b)).dataset.grip = key;
  }));
  dot(svg, "dot-inputs", "a", X(m), Y(k)).dataset.grip = "inputs";
  dot(svg, "dot-limit", "c", X(one.limit[0]), Y(two.limit[0])).dataset.grip = "outputs";
  const names = layer(svg, "g", "gauss-names");
  names.replaceChildren();
  const above = k < two.limit[0] ? ["limit", "inputs"] : ["inputs", "limit"];
  above.forEach((key, i) => { // the higher cloud has its name above it
    const [[u], [v, t]] = [one[key], two[key]];
    const py = i ? Math.min(Y(v - 2 * t) + 20, Y(y[0]) - 4) : Math.max(Y(v + 2 * t) - 10, 24);
    add(names, "text", { x: X(u), y: py, class: `${key === "limit" ? "b" : "a"} plot-middle` }, key === "limit" ? "outputs y" : "inputs x");
  });
  return (px, py, held) => {
    const [u, v] = invert(px, py);
    if (held === "inputs") return { mean: u, mean2: v };
    if (held === "outputs") return { beta: u, beta2: v };
    grabbed.across ??= lengths[held.startsWith("long") ? 1 : 0];
    const [std, std2, r] = cloud((u - m) / 2, (v - k) / 2, grabbed.across);
    return { std, std2, rho: r };
  };
}
