// How batch norm of Gaussian inputs is drawn.

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
  svg.dataset.spot = "";
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
    explore({ model, el }, {
      title: "Batch norm of a Gaussian", invite: "", controls: { ...(plane ? TWO : ONE), ...BATCH }, draw,
      look: "explore-pairs",
    });
  },
};
