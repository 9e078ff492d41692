// The plane of the weights: a level curve of data fit and of penalty, and their pulls at the minimum.

const PULL = 0.3; // of the height: the pull of the data fit at w = 0
const CLEAR = [0.37, 0.63]; // of the height, from the minimum: level curves are seen well, and have faded

/** Level curves fade away from the minimum, so that the frame cuts none. */
function fading(panel, x, y, high) {
  const mask = layer(panel, "mask", "tikhonov-mask");
  mask.replaceChildren();
  const id = (mask.id ||= `explore-${Math.random()}`);
  Object.entries({ x: 0, y: 0, width: 900, height: 900, maskUnits: "userSpaceOnUse" }).forEach((each) => mask.setAttribute(...each));
  const shade = add(mask, "radialGradient", { id: `${id}-shade` });
  [[CLEAR[0] / CLEAR[1], "white"], [1, "black"]].forEach(([offset, color]) => add(shade, "stop", { offset, "stop-color": color }));
  add(mask, "circle", { cx: x, cy: y, r: CLEAR[1] * high, fill: `url(#${id}-shade)` });
  return `url(#${id})`;
}

/** Draw it; returns whether the minimum lies outside, and which noise has the nearest minimum. */
export function weightPlane(panel, state, result, width, height) {
  const { mu, sigma, noise } = state;
  const { fitted, punished, w, usual, alone, fit, penalty, rest, pull } = result;
  const dropout = noise === "dropout";
  // The same axes for all noises, equal units; the origin and least squares are inside.
  const margin = { left: 46, right: 6, top: 28, bottom: 40 };
  const half = 0.95 * Math.max(...usual.map(Math.abs));
  const [x, y] = [[0, (width - 52) / (height - 68)], [1, 1]].map(([j, r]) => [0.58 * usual[j] - half * r, 0.58 * usual[j] + half * r]);
  const { X, Y, path } = axes(panel, { width, height, margin, x, y, xlabel: "weight w₁", ylabel: "weight w₂" });
  const inside = (points) => path(within(points, x, y));
  const clamp = (point) => point.map((v, j) => Math.max([x, y][j][0], Math.min([x, y][j][1], v)));
  const far = (point) => clamp(point).some((v, j) => v !== point[j]);
  const names = layer(panel, "g", "tikhonov-names");
  names.replaceChildren();
  const [px, py] = [X, Y].map((f, j) => f(clamp(w)[j]));
  const taken = [[px, py, 14]]; // no name is written over these
  const write = (text, [a, b], look = "") => {
    add(names, "text", { x: a, y: b, class: look }, text);
    taken.push([a, b - 4, 4 * text.length + 4]);
  };
  const mark = (key, d) => layer(panel, "path", key).setAttribute("d", d);
  write("the weights", [(width + 40) / 2, 11]);

  const centre = usual.map((v) => v / mu);
  const cross = ([a, b]) => (far([a, b]) ? "" : `M${X(a) - 6} ${Y(b) - 6}l12 12m0 -12l-12 12`);
  mark("tikhonov-best-fit", cross(centre));
  mark("tikhonov-no-penalty", cross([0, 0]));
  for (const point of [centre, [0, 0]]) if (!far(point)) taken.push([X(point[0]), Y(point[1]), 10]);

  // The path of the minimum over all noises of its kind, thick from where there is none.
  const steps = noises(state);
  const way = steps.map((each) => balance({ ...state, ...each }).w);
  const until = steps.findIndex((each) => (dropout ? each.mu >= mu : each.sigma >= sigma));
  curve(panel, "tikhonov-way", "ink", inside(dropout ? [alone, ...way] : [...way, [0, 0]]));
  curve(panel, "tikhonov-gone", "ink", inside(dropout ? way.slice(until) : way.slice(0, until + 1)));
  const ends = dropout ? [[usual, "k = 1", -6, 28], [alone, "k → 0", -34, -8], [[0, 0], "origin", 0, 24]]
    : [[centre, "σ = 0", 0, -18], [[0, 0], "σ → ∞", 0, 26]];
  for (const [point, text, dx, dy] of ends)
    if (!far(point)) write(text, [X(point[0]) + dx, Y(point[1]) + dy]);
  const ring = (point) => (far(point) ? "" : `M${X(point[0]) - 6} ${Y(point[1])}a6 6 0 1 0 12 0a6 6 0 1 0 -12 0`);
  mark("tikhonov-ends", dropout ? ring(usual) + ring(alone) : "");

  /** Write a name at the first of these spots that is inside and where nothing is yet. */
  const place = (text, look, spots) => {
    const wide = 4 * text.length + 4;
    const free = spots(wide).find(([a, b]) => a >= margin.left + wide && a <= width - 8 - wide && b >= 44 && b <= height - 50 &&
      taken.every(([c, d, other]) => Math.abs(a - c) > wide + other || Math.abs(b - 4 - d) > 22));
    if (free) write(text, free, look);
  };

  // Both pulls, equal and opposite; none where there is no penalty.
  const verb = width > 400 ? " pulls" : ""; // there is less room on a phone
  const pulls = [[-1, "c", "penalty"], [1, "a", "fit"]].map(([sign, look, text]) => {
    const [u, v] = [1, -1].map((way, j) => way * sign * PULL * (height - 68) * pull[j]);
    const long = Math.hypot(u, v);
    const [c, s] = [(9 * u) / long, (9 * v) / long];
    const head = `M${px + u + c} ${py + v + s}l${-c - s / 2} ${-s + c / 2}l${s} ${-c}z`;
    if (long > 1) taken.push([px + u, py + v, 12]);
    const seen = long > 1 && !far(w);
    mark(`tikhonov-pull-${look}`, seen ? `M${px} ${py}L${px + u} ${py + v}${head}` : "");
    const [a, b] = [px + u, py + v];
    return () => seen && place(text + verb, look, (wide) => [0, 1].flatMap((way) => {
      const out = Math.sign(u) * (wide + 14);
      const spots = [[a + out, b + 4], [a, b - 20], [a, b + 28], [a + out / 2, b - 20], [a + out / 2, b + 28], [a, b - 40], [a, b + 48]];
      return way ? spots.map(([c, d]) => [Math.max(margin.left + wide, Math.min(width - 8 - wide, c)), d]) : spots;
    }));
  });
  pulls.forEach((name) => name());
  const mask = fading(panel, px, py, height - 68);
  /** Draw a curve through the minimum, and write its name where it is far from all that has one. */
  const show = (key, look, A, middle, level, text, toward) => {
    const whole = ellipse(A, middle, level);
    curve(panel, key, look, inside(whole)).setAttribute("mask", mask);
    const visible = within(whole, x, y).filter(([a, b]) => Math.hypot(X(a) - px, Y(b) - py) < CLEAR[0] * (height - 68));
    const [right, up] = toward;
    const sides = [0, 24].flatMap((away) => [[right, up, away], [right, -up, away], [-right, up, away], [-right, -up, away]]);
    place(text, look, (wide) => sides.flatMap(([r, s, away]) =>
      visible.map(([a, b]) => [a * r + b * s, X(a) + r * (wide + 6), Y(b) - 13 * s - away * Math.sign(s) + 4])
        .sort((p, q) => q[0] - p[0])
        .map(([, a, b]) => [Math.max(margin.left + wide, Math.min(width - 8 - wide, a)), Math.max(44, Math.min(height - 50, b))])));
  };
  show("tikhonov-fit", "a", fitted, centre, fit - rest, "equal data fit", [1, 0.5]);
  show("tikhonov-penalty", "c", punished, [0, 0], penalty, "equal penalty", [-1, -0.3]);

  const least = dot(panel, "tikhonov-least", "ink", px, py);
  least.setAttribute("r", 8);
  least.style.visibility = mu || sigma ? "" : "hidden";
  least.dataset.grip = "minimum";
  panel.append(names, least);
  const pixels = way.map(([a, b]) => [X(a), Y(b)]);
  return { outside: far(w), nearest: (a, b) => steps[pixels.map(([c, d]) => Math.hypot(c - a, d - b)).reduce((best, gap, i, all) => (gap < all[best] ? i : best), 0)] };
}
