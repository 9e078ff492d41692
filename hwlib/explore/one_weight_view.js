// The three parabolas; the dot is held on the sum, and Play lowers k.

const CONTROLS = {
  keep: ["keep k", { type: "range", min: 0.3, max: 1, step: 0.01 }],
  w: ["weight w", { type: "range", min: -1, max: 7, step: 0.01 }],
};
const RANGE = [-1, 7];
const LOOKS = { penalty: "c", fit: "a", loss: "b" };

function draw(state, { svg, line, notes }) {
  const { x, y, keep, w } = state;
  const here = terms(state);
  const words = spell(state, here);
  line.replaceChildren();
  for (const [look, text] of words.line) add(line, "span", { class: look }, text);
  notes.textContent = words.notes;
  svg.setAttribute("aria-label", `Three parabolas over the weight. ${line.textContent} ${words.notes}`);

  const wide = matchMedia("(min-width: 40rem)").matches;
  const [width, height] = wide ? [756, 372] : [316, 330];
  const high = [-0.34 * y * y, 1.5 * y * y]; // below 0 there is room for the names of the minima
  const { X, Y, path, invert } = axes(svg, {
    x: RANGE, y: high, xlabel: `weight w, for x = ${short(x)} and y = ${short(y)}`, ylabel: "expected squared error", width, height,
  });
  svg.setAttribute("width", width);
  const points = Array.from({ length: 161 }, (_, i) => RANGE[0] + (i * (RANGE[1] - RANGE[0])) / 160);
  const along = (key) => path(within(points.map((v) => [v, terms({ ...state, w: v })[key]]), RANGE, high));
  const names = layer(svg, "g", "weight-names");
  names.replaceChildren();
  const write = (px, py, text, look = "") => add(names, "text", { x: px, y: py, class: look }, text);

  for (const [key, look] of Object.entries(LOOKS)) {
    curve(svg, `weight-${key}`, look, along(key));
    const at = here.least[key];
    const ring = layer(svg, "circle", `weight-least-${key}`);
    const [px, py] = [X(at), Y(terms({ ...state, w: at })[key])];
    for (const [attribute, value] of Object.entries({ cx: px, cy: py, r: 7 })) ring.setAttribute(attribute, value);
    ring.setAttribute("class", `weight-least-${key} weight-least plot-${look}`);
    ring.style.display = key === "penalty" && keep === 1 ? "none" : ""; // it is 0 everywhere
  }
  const sum = terms({ ...state, w: y / x }).loss;
  const marks = layer(svg, "path", "weight-marks"); // from the minimum of the sum down to the axis
  marks.setAttribute("d", keep < 1 ? `M${X(y / x)} ${Y(sum) + 7}V${Y(0)}` : "");

  // The two terms one on the other.
  const stack = layer(svg, "g", "weight-stack");
  stack.replaceChildren();
  const up = (v) => Y(Math.min(v, high[1]));
  add(stack, "path", { class: "a", d: `M${X(w)} ${Y(0)}V${up(here.fit)}` });
  add(stack, "path", { class: "c", d: `M${X(w)} ${up(here.fit)}V${up(here.loss)}` });
  dot(svg, "weight-here", "ink", X(w), up(here.loss)).dataset.grip = "weight";

  // Below the axis the minima, each in its color; that which moves has a line of its own.
  const fitAt = X(here.least.fit);
  const leader = layer(svg, "path", "weight-leader");
  leader.setAttribute("d", keep < 1 ? `M${fitAt} ${Y(0) + 9}v23` : "");
  if (keep < 1) {
    write(X(0), Y(0) + 22, "0", "c");
    write(X(y / x), Y(0) + 22, `y/x = ${short(y / x)}`, "b");
    write(Math.min(fitAt, width - 62), Y(0) + 47, `y/(kx) = ${short(here.least.fit)}`, "a");
  } else write(fitAt, Y(0) + 22, `y/x = ${short(y / x)}`, "b");

  // Each curve's name stands where the others are far: at the right end, or the upper left.
  const place = (key, level) => { // the weight right of the minimum at which a curve is so high
    const [a, c] = key === "penalty" ? [keep * (1 - keep) * x * x, 0] : [keep * x * x, sum];
    return Math.sqrt(Math.max(0, level - c) / a) + (key === "loss" ? y / x : 0);
  };
  const top = 1.42 * y * y;
  const [pen, los] = [place("penalty", top), place("loss", top)];
  if (keep < 1) write(Math.max(60, X(Math.max(RANGE[0] + 0.1, 2 * (y / x) - los)) + 12), Y(top) + 6, "sum", "b start");
  const level = (keep < 0.42 ? 0.14 : 0.55) * y * y; // the data fit left of its minimum; where it is flat, above it
  const at = X((y - Math.sqrt(level)) / (keep * x));
  if (keep === 1) write(X(place("loss", level)) + 14, Y(level) + 5, "sum = data fit", "b start");
  else if (keep < 0.42) write(at + 6, Y(level) - 8, "data fit", "a start");
  else write(at - 12, Y(level) + 10, "data fit", "a end");
  if (keep === 1) write(X(5.4), Y(0) - 12, "penalty = 0", "c");
  else if (pen < 6) write(Math.min(width - 70, X(pen) + 12), Y(top) + 16, "penalty", "c start");
  else write(X(6.2), Y(terms({ ...state, w: 6.2 }).penalty) + (keep < 0.95 ? 30 : -14), "penalty", "c");
  svg.append(stack, names, svg.querySelector(".weight-here"));

  return (px, py) => ({ w: Math.max(RANGE[0], Math.min(RANGE[1], invert(px, py)[0])) });
}

const FIGURE = {
  title: "One weight: data fit plus penalty",
  invite: "Press Play: k falls. Which minimum moves? Or drag the dot along the sum.",
  controls: CONTROLS,
  values: ["x", "y"],
  draw,
  presets: {
    "No dropout": { keep: 1 },
    "Keep 80%": { keep: 0.8 },
    "Keep 30%": { keep: 0.3 },
  },
  play: {
    first: () => ({ keep: 1 }),
    next: ({ keep }) => (keep > 0.3 ? { keep: +Math.max(0.3, keep - 0.01).toFixed(2) } : null),
    every: 80,
  },
};

export default { render: (context) => { explore(context, FIGURE); } };
