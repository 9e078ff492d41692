// The plane of the weights: level curves of data fit, penalty and sum, and the path of the minimum.

const LEVELS = [0.5, 2, 4.5]; // of pale level curves above the least data fit; also of the penalty

/** Draw it in a square of so many pixels; returns the path of the minimum and where it is in pixels. */
export function weightPlane(panel, problem, state, result, side) {
  const { mu, sigma, noise } = state;
  const { fitted, punished, both, w, usual, fit, penalty, rest } = result;
  const dropout = noise === "dropout";
  // The same axes for all noises, equal units; the origin and least squares are inside.
  const half = 1.3 * Math.max(...usual.map(Math.abs));
  const [x, y] = usual.map((v) => [v / 2 - half, v / 2 + half]);
  const { X, Y, path } = axes(panel, {
    width: side, height: side, margin: { left: 40, right: 6, top: 6, bottom: 40 }, x, y, xlabel: "weight w₁", ylabel: "weight w₂",
  });
  const centre = usual.map((v) => v / mu);
  const inside = (points) => path(within(points, x, y));
  const clamp = (point) => point.map((v, j) => Math.max([x, y][j][0], Math.min([x, y][j][1], v)));
  const far = (point) => clamp(point).some((v, j) => v !== point[j]);
  const names = layer(panel, "g", "tikhonov-names");
  names.replaceChildren();
  const seen = clamp(w);
  const taken = [[X(seen[0]), Y(seen[1]), 14]]; // no name is written over these
  const write = (text, [a, b], look = "") => {
    const node = add(names, "text", { x: a, y: b, class: look }, text);
    taken.push([a, b - 4, 3.9 * text.length + 4]);
    return node;
  };
  const cross = ([a, b]) => (far([a, b]) ? "" : `M${X(a) - 6} ${Y(b) - 6}l12 12m0 -12l-12 12`);
  const put = (key, tag, attributes) => {
    const node = layer(panel, tag, key);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    return node;
  };

  const pale = (A, middle) => LEVELS.map((level) => inside(ellipse(A, middle, level))).join("");
  curve(panel, "tikhonov-fits", "a", pale(fitted, centre));
  curve(panel, "tikhonov-penalties", "c", pale(punished, [0, 0]));
  put("tikhonov-best-fit", "path", { d: cross(centre) });
  put("tikhonov-no-penalty", "path", { d: cross([0, 0]) });

  const steps = noises(state);
  const way = steps.map((each) => balance({ ...problem, ...each }).w);
  const limit = dropout ? result.alone : [0, 0]; // where no noise of the path reaches
  curve(panel, "tikhonov-way", "ink", inside([...(dropout ? [limit] : []), ...way, ...(dropout ? [] : [limit])]));
  const ends = dropout ? [[usual, "k = 1", -26, 16], [limit, "k → 0", -32, 2], [[0, 0], "origin", 0, 20]]
    : [[centre, "σ = 0", 30, 4], [[0, 0], "σ → ∞", -32, 8]];
  for (const [point, text, dx, dy] of ends)
    if (!far(point)) write(text, [X(point[0]) + dx, Y(point[1]) + dy]);
  put("tikhonov-marks", "path", { d: dropout ? `M${X(usual[0]) - 5} ${Y(usual[1])}h10M${X(0) - 5} ${Y(0)}h10m-5 -5v10` : "" });
  put("tikhonov-limit", "circle", { cx: X(limit[0]), cy: Y(limit[1]), r: 8 }).style.display = dropout && !far(limit) ? "" : "none";

  /** Draw a curve through the minimum, and write its name where it is far from all that has one. */
  const show = (key, look, A, middle, level, text, toward) => {
    const ring = ellipse(A, middle, level);
    curve(panel, key, look, inside(ring));
    const reach = ([a, b]) => a * toward[0] + b * toward[1];
    const wide = 3.9 * text.length + 4;
    const visible = within(ring, x, y);
    const dense = visible.slice(1).flatMap((to, i) => list(8, (k) => visible[i].map((v, j) => v + ((k + 0.5) / 8) * (to[j] - v))));
    const free = dense.filter(([a]) => Number.isFinite(a)).sort((p, q) => reach(q) - reach(p))
      .map(([a, b]) => [Math.max(44 + wide, Math.min(side - 8 - wide, X(a) + toward[0] * (wide + 4))),
        Math.max(20, Math.min(side - 48, Y(b) - 13 * toward[1] + 4))])
      .find(([a, b]) => taken.every(([c, d, other]) => Math.abs(a - c) > wide + other || Math.abs(b - 4 - d) > 22));
    if (free) write(text, free, look);
  };
  show("tikhonov-fit", "a", fitted, centre, fit - rest, "equal data fit", [dropout ? 1 : 0.5, 0.9]);
  show("tikhonov-penalty", "c", punished, [0, 0], penalty, "equal penalty", [1, -0.3]);
  const det = both[0][0] * both[1][1] - both[0][1] ** 2; // the sum's ellipse is always as large
  show("tikhonov-loss", "b", both, w, ((0.28 * half) ** 2 * det) / Math.max(both[0][0], both[1][1]), "equal sum", [-1, -0.3]);
  if (!sigma && mu) write("penalty 0: only the data fit is left", [side / 2 + 16, side - 72], "c");

  const mark = dot(panel, "tikhonov-least", "ink", X(seen[0]), Y(seen[1]));
  mark.setAttribute("r", 8);
  mark.style.visibility = mu || sigma ? "" : "hidden";
  mark.dataset.grip = "minimum";
  panel.append(names);
  const pixels = way.map(([a, b]) => [X(a), Y(b)]);
  return { outside: far(w), nearest: (a, b) => steps[pixels.map(([c, d]) => Math.hypot(c - a, d - b)).reduce((best, gap, i, all) => (gap < all[best] ? i : best), 0)] };
}
