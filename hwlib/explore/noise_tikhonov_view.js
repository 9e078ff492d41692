// Weights, noises and their law, side by side: drag the minimum or the noise.

const CONTROLS = {
  noise: ["noise", { type: "select", options: { any: "any distribution", dropout: "dropout" } }],
  mu: ["mean μ", { type: "range", min: 0, max: 2, step: 0.01 }],
  sigma: ["std. dev. σ", { type: "range", min: 0, max: 2, step: 0.01 }],
};
const PLANE = 290; // side of the square of weights
const DROPOUTS = list(61, (i) => (1 - Math.cos((i * Math.PI) / 60)) / 2).map((k) => [k, bernoulliStd(k)]);

function draw(problem, state, { svg, line, notes, inputs }) {
  const dropout = state.noise === "dropout";
  if (dropout) {
    state.mu = Math.min(state.mu, 1);
    state.sigma = bernoulliStd(state.mu);
    for (const name of ["mu", "sigma"]) {
      inputs[name].value = state[name];
      say(inputs[name], short(state[name]));
    }
  }
  inputs.sigma.disabled = dropout;
  const { mu, sigma } = state;
  const result = balance({ ...problem, mu, sigma });
  const { fitted, punished, both, w, usual, fit, penalty, rest } = result;

  const wide = matchMedia("(min-width: 40rem)").matches;
  const [mapLeft, mapTop] = wide ? [PLANE + 20, 0] : [0, PLANE + 12];
  const [lawLeft, lawTop] = wide ? [PLANE + 20, PLANE - LAW] : [MAP, PLANE + 12 + (MAP - LAW) / 2];
  const [width, height] = wide ? [PLANE + 20 + MAP, PLANE] : [2 * MAP, PLANE + 12 + MAP];
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  const put = (name, x, y) => {
    const panel = layer(svg, "g", name);
    panel.setAttribute("transform", `translate(${x} ${y})`);
    return panel;
  };

  // Weights on equal axes: the origin is seen, and for μ from 0.6 on every minimum. Under dropout the
  // ellipses are large.
  const left = put("tikhonov-weights", wide ? 0 : (width - PLANE) / 2, 0);
  const half = (dropout ? 1.8 : 1.1) * Math.max(...usual.map(Math.abs));
  const [x, y] = usual.map((v) => [-1, 1].map((side) => (dropout ? 0.4 : 0.6) * v + side * half));
  const plane = axes(left, {
    width: PLANE, height: PLANE, margin: { left: 40, right: 6, top: 6, bottom: 40 }, x, y, xlabel: "w₁", ylabel: "w₂",
  });
  const centre = usual.map((v) => v / mu);
  const inside = (points) => plane.path(within(points, x, y));
  const names = layer(left, "g", "tikhonov-names");
  names.replaceChildren();
  const clamp = (point) => point.map((v, j) => Math.max([x, y][j][0], Math.min([x, y][j][1], v)));
  const far = (point) => clamp(point).some((v, j) => v !== point[j]);
  const limit = dropout ? result.alone : [0, 0]; // where no noise of the way reaches
  const taken = [[plane.X(clamp(w)[0]), plane.Y(clamp(w)[1])]]; // no name is written over these
  const write = (text, place, look = "") => (taken.push(place), add(names, "text", { x: place[0], y: place[1], class: look }, text));
  const end = (text, point, dx, dy) => far(point) || write(text, [plane.X(point[0]) + dx, plane.Y(point[1]) + dy]);
  end(dropout ? "origin" : "σ → ∞", [0, 0], -10, 18);
  end(dropout ? "k = 1" : "σ = 0", dropout ? usual : centre, dropout ? -26 : 26, dropout ? 12 : 4);
  if (dropout) end("k → 0", limit, 34, -8);
  /** Draw an ellipse, and write its name where it reaches far in a direction. */
  const show = (key, look, A, middle, level, name, toward) => {
    const ring = ellipse(A, middle, level);
    curve(left, key, look, inside(ring));
    const reach = ([a, b]) => a * toward[0] + b * toward[1];
    const places = ring.filter((point) => !far(point)).sort((p, q) => reach(q) - reach(p)).map(([a, b]) => [
      Math.max(74, Math.min(PLANE - 40, plane.X(a) + 9 * toward[0])),
      Math.max(18, Math.min(PLANE - 48, plane.Y(b) - 11 * toward[1] + 4))]);
    const free = places.find(([a, b]) => taken.every(([c, d]) => Math.abs(a - c) > 56 || Math.abs(b - d) > 17));
    if (free) write(name, free, look);
  };
  show("tikhonov-fit", "a", fitted, centre, fit - rest, "data fit", [0.2, 1]);
  show("tikhonov-penalty", "c", punished, [0, 0], penalty, "penalty", [-0.6, -1]);
  const det = both[0][0] * both[1][1] - both[0][1] ** 2; // the sum's ellipse is always as large
  show("tikhonov-loss", "b", both, w, ((0.4 * half) ** 2 * det) / Math.max(both[0][0], both[1][1]), "sum", [1, -0.4]);
  const steps = noises(state);
  const way = steps.map((noise) => balance({ ...problem, ...noise }).w);
  curve(left, "tikhonov-way", "ink", inside([...(dropout ? [limit] : []), ...way, ...(dropout ? [] : [limit])]));
  const cross = ([a, b]) => `M${plane.X(a) - 5} ${plane.Y(b)}h10m-5 -5v10`;
  curve(left, "tikhonov-marks", "ink", cross([0, 0]) + (dropout ? cross(usual) : far(centre) ? "" : cross(centre)));
  const ring = layer(left, "circle", "tikhonov-limit"); // of dropout, where almost nothing is kept
  for (const [name, value] of Object.entries({ cx: plane.X(limit[0]), cy: plane.Y(limit[1]), r: 8 }))
    ring.setAttribute(name, value);
  ring.style.display = dropout && !far(limit) ? "" : "none";
  const seen = clamp(w);
  const mark = dot(left, "tikhonov-least", "ink", plane.X(seen[0]), plane.Y(seen[1]));
  mark.style.visibility = mu || sigma ? "" : "hidden";
  mark.dataset.grip = "minimum";
  left.append(names);

  const words = spell(state, result);
  if (far(w)) words.line += "\nIt lies outside the plot.";
  line.textContent = words.line;
  notes.textContent = words.notes;

  // All noises, each a point: the loss depends on nothing else.
  const right = put("tikhonov-map", mapLeft, mapTop);
  const map = axes(right, {
    width: MAP, height: MAP, x: [0, 2], y: [0, 2], xlabel: "mean μ", ylabel: "std. dev. σ",
    margin: { left: 46, right: 6, top: 6, bottom: 40 },
  });
  curve(right, "tikhonov-dropouts", "ink", map.path(DROPOUTS));
  const coins = layer(right, "text", "tikhonov-coins");
  for (const [name, value] of Object.entries({ x: map.X(0.5), y: map.Y(0.16) })) coins.setAttribute(name, value);
  coins.textContent = "dropout";
  dot(right, "tikhonov-noise", "ink", map.X(mu), map.Y(sigma)).dataset.grip = "noise";
  law(put("tikhonov-law", lawLeft, lawTop), state);
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.setAttribute("width", 1.35 * width);
  svg.setAttribute("aria-label", "Over two weights, an ellipse of the data fit touches an ellipse of " +
    `the penalty at the minimum. ${words.line}. ${words.notes}`);

  return (px, py, held) => {
    if (held === "minimum") { // the noise whose minimum is nearest
      const [a, b] = [px - (wide ? 0 : (width - PLANE) / 2), py];
      const gaps = way.map((w) => Math.hypot(plane.X(w[0]) - a, plane.Y(w[1]) - b));
      return steps[gaps.indexOf(Math.min(...gaps))];
    }
    const [m, s] = map.invert(px - mapLeft, py - mapTop).map((v) => Math.max(0, Math.min(2, v)));
    return dropout ? { mu: (1 + Math.cos(Math.atan2(s, m - 0.5))) / 2 } : { mu: m, sigma: s };
  };
}

const FIGURE = {
  title: "Data fit and penalty",
  invite: "Drag the noise over its map, or the minimum along its path. Play makes the noise grow.",
  controls: CONTROLS,
  presets: {
    "No noise: least squares": { noise: "any", mu: 1, sigma: 0 },
    "Much noise: small weights": { noise: "any", mu: 1, sigma: 1.5 },
    "Dropout: not to the origin": { noise: "dropout", mu: 0.05 },
  },
  play: { // σ grows; under dropout less and less is kept
    first: ({ noise }) => (noise === "dropout" ? { mu: 1 } : { sigma: 0 }),
    next: ({ noise, mu, sigma }) => {
      if (noise === "dropout") return mu > 0.02 ? { mu: +Math.max(0.02, mu - 0.02).toFixed(2) } : null;
      return sigma < 2 ? { sigma: +Math.min(2, sigma + 0.04).toFixed(2) } : null;
    },
    every: 90,
  },
};

export default {
  render(context) {
    const { model, el } = context;
    explore(context, {
      ...FIGURE, draw: (state, parts) => draw({ X: model.get("X"), y: model.get("y") }, state, parts),
    });
    for (const name of ["X", "y"]) model.on(`change:${name}`, () => el.querySelector("input").oninput());
  },
};
