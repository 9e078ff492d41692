// One weight under dropout: the expected loss, a parabola, is a data fit plus a penalty.

/** The two terms at a weight, and the weights where each term and the sum are least. */
export function terms({ x, y, keep, w }) {
  const fit = (y - keep * x * w) ** 2;
  const penalty = keep * (1 - keep) * x * x * w * w;
  return { fit, penalty, loss: fit + penalty, least: { fit: y / (keep * x), penalty: 0, loss: y / x } };
}

const short = (v) => typeset(Math.abs(v) < 1e-9 ? 0 : +v.toPrecision(4));
const signed = (v) => (v < 0 ? `(${short(v)})` : short(v));

/** What is seen, in words. */
export function spell({ x, y, keep: k, w }, { fit, penalty, loss, least }) {
  const [target, error] = [short(y * y), short((y - x * w) ** 2)];
  return {
    line: `w = ${short(w)}: data fit ${short(fit)} + penalty ${short(penalty)} = ${short(loss)}`,
    notes: [
      `data fit (${short(y)} − ${short(k)}·${short(x)}·${signed(w)})² = ${short(fit)}`,
      `penalty ${short(k)}·${short(1 - k)}·${short(x)}²·${signed(w)}² = ${short(penalty)}`,
      `Kept or dropped: ${short(k)}·${error} + ${short(1 - k)}·${target} = ${short(loss)}, the same loss.`,
      `Least: penalty at 0, sum at y/x = ${short(least.loss)}, data fit at y/(kx) = ${short(least.fit)}.`,
    ],
  };
}

const CONTROLS = {
  keep: ["keep k", { type: "range", min: 0.3, max: 1, step: 0.01 }],
  w: ["weight w", { type: "range", min: -1, max: 7, step: 0.01 }],
};
const RANGE = [-1, 7];
const LOOKS = { fit: "a", penalty: "c", loss: "b" };

function draw(problem, choice, { svg, line, notes }) {
  const state = { ...problem, ...choice };
  const { x, y, keep, w } = state;
  const here = terms(state);
  const words = spell(state, here);
  line.textContent = words.line;
  notes.textContent = words.notes.join("\n");
  svg.setAttribute("aria-label", `Three parabolas over the weight. ${words.line}. ${words.notes.join(". ")}`);

  const high = [-0.12 * y * y, 1.5 * y * y]; // below 0 there is room for the names of the minima
  const { X, Y, path, invert } = axes(svg, {
    x: RANGE, y: high, xlabel: "weight w", ylabel: "expected squared error", width: 380, height: 320,
  });
  const points = Array.from({ length: 161 }, (_, i) => RANGE[0] + (i * (RANGE[1] - RANGE[0])) / 160);
  const names = layer(svg, "g", "weight-names");
  names.replaceChildren();
  const write = (px, py, text, look = "") => add(names, "text", { x: px, y: py, class: look }, text);
  for (const [key, look] of Object.entries(LOOKS)) {
    const along = points.map((v) => [v, terms({ ...state, w: v })[key]]);
    curve(svg, `weight-${key}`, look, path(within(along, RANGE, high)));
    const at = here.least[key];
    const ring = layer(svg, "circle", `weight-least-${key}`);
    const [px, py] = [X(at), Y(terms({ ...state, w: at })[key])];
    for (const [attribute, value] of Object.entries({ cx: px, cy: py, r: 6 })) ring.setAttribute(attribute, value);
    ring.setAttribute("class", `weight-least-${key} weight-least plot-${look}`);
    ring.style.display = key === "penalty" && keep === 1 ? "none" : ""; // it is 0 everywhere
  }
  const marks = layer(svg, "path", "weight-marks"); // from the minimum of the sum down to the axis
  marks.setAttribute("d", `M${X(y / x)} ${Y(terms({ ...state, w: y / x }).loss)}V${Y(0)}`);
  write(X(y / x) - 8, Y(0) + 16, "y/x", "end");
  if (keep < 1) write(Math.min(X(here.least.fit) + 8, 328), Y(0) + 16, "y/(kx)", "start");
  // Each name stands beside its curve, where the others are far.
  const low = (v) => Y(terms({ ...state, w: v }).fit);
  const early = (0.368 * y) / (keep * x); // where the data fit is still 0.4 y²
  write(X(early) - 8, low(early) + 8, "data fit", "a end");
  write(X(y / x), Y(terms({ ...state, w: y / x }).loss) - 13, "sum", "b");
  const steep = Math.min(5.2, Math.sqrt((0.5 * high[1]) / (keep * (1 - keep))) / x);
  if (keep < 1) write(X(steep) + 8, Y(terms({ ...state, w: steep }).penalty) + 12, "penalty", "c start");

  const stack = layer(svg, "g", "weight-stack"); // the two terms one on the other
  stack.replaceChildren();
  const up = (v) => Y(Math.min(v, high[1]));
  add(stack, "path", { class: "a", d: `M${X(w)} ${Y(0)}V${up(here.fit)}` });
  add(stack, "path", { class: "c", d: `M${X(w)} ${up(here.fit)}V${up(here.loss)}` });
  dot(svg, "weight-here", "ink", X(w), up(here.loss)).dataset.grip = "weight";

  return (px, py) => ({ w: Math.max(RANGE[0], Math.min(RANGE[1], invert(px, py)[0])) });
}

const FIGURE = {
  title: "One weight: data fit plus penalty",
  invite: "Drag the dot along the sum, then press Play, which lowers k: which minimum moves?",
  controls: CONTROLS,
  presets: {
    "k = 1: no penalty": { keep: 1 },
    "k = 0.8: little penalty": { keep: 0.8 },
    "k = 0.3: the fit runs off": { keep: 0.3 },
  },
  play: {
    first: () => ({ keep: 1 }),
    next: ({ keep }) => (keep > 0.3 ? { keep: +Math.max(0.3, keep - 0.02).toFixed(2) } : null),
    every: 90,
  },
};

export default {
  render(context) {
    const { model, el } = context;
    explore(context, {
      ...FIGURE, draw: (state, parts) => draw({ x: model.get("x"), y: model.get("y") }, state, parts),
    });
    for (const name of ["x", "y"]) model.on(`change:${name}`, () => el.querySelector("input").oninput());
  },
};
