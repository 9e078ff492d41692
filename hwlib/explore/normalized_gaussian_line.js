// How batch norm of one feature is drawn: inputs above, outputs below, over one axis.

const [WIDTH, HEIGHT, EDGE] = [440, 356, 8];
const LINKS = 32; // more lines would be one gray area
const [IN, OUT, BELL] = [124, 206, 104]; // baselines of the two bells, and how high a bell may be

/** A bell on each line, the lower one hanging; a line leads from each input to its output. */
function bells(svg, [{ x, y, inputs, outputs, limit }], before, { gamma }, every) {
  svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
  svg.setAttribute("width", 1.25 * WIDTH); // px at most: the css shrinks it to fit
  const { px: X, back } = scale([-7, 7], EDGE, WIDTH - EDGE);
  const frame = layer(svg, "g", "plot-axes");
  frame.replaceChildren();
  const clip = add(frame, "clipPath", { id: `explore-${Math.random()}` });
  add(clip, "rect", { x: EDGE, y: IN - BELL - 4, width: WIDTH - 2 * EDGE, height: OUT - IN + 2 * BELL + 8 });
  for (const v of [-6, -4, -2, 0, 2, 4, 6]) {
    add(frame, "path", { d: `M${X(v)} ${IN - BELL}V${OUT + BELL}` });
    add(frame, "text", { x: X(v), y: OUT + BELL + 18 }, typeset(v));
  }
  add(frame, "text", { x: WIDTH / 2, y: HEIGHT - 8 }, "value");

  const density = ([m, s], v) => Math.exp(-(((v - m) / s) ** 2) / 2) / (s * Math.sqrt(2 * Math.PI));
  // Above and below, the highest bell fills its height, so neither changes with what the other does; below
  // it is that of every batch, so none is cut. A spike has no height: it goes to the end.
  const scaled = (pairs) => {
    const top = Math.max(...pairs.filter(([, s]) => s).map((pair) => density(pair, pair[0])));
    return (pair, v) => (BELL * density(pair, v)) / top;
  };
  const lifts = { 1: scaled([inputs]), [-1]: scaled([limit, ...every.map(([one]) => one.outputs)]) };
  const bell = (key, look, pair, base, up) => {
    const [m, s] = pair;
    const d = s ? Array.from({ length: 561 }, (_, i) => -7 + i / 40)
      .map((v, i) => `${i ? "L" : "M"}${X(v).toFixed(1)} ${(base - up * lifts[up](pair, v)).toFixed(1)}`).join("")
      : `M${X(m)} ${base}v${-up * BELL}`;
    curve(svg, key, `${look}${s ? "" : " plot-spike"}`, d);
  };
  const ghosts = layer(svg, "g", "gauss-ghosts");
  ghosts.replaceChildren();
  ghosts.setAttribute("clip-path", `url(#${clip.id})`);
  before.forEach(([old], k) => {
    const g = add(ghosts, "g", { style: `stroke-opacity: ${(0.15 + (0.6 * (k + 1)) / before.length).toFixed(2)}` });
    const points = Array.from({ length: 141 }, (_, i) => -7 + i / 10);
    const [m, s] = old.outputs;
    const hang = (v) => (OUT + lifts[-1]([m, s], v)).toFixed(1);
    if (s) add(g, "path", { d: points.map((v, i) => `${i ? "L" : "M"}${X(v).toFixed(1)} ${hang(v)}`).join("") });
    add(g, "path", { d: `M${X(inputs[0])} ${IN}L${X(m)} ${OUT}` });
  });
  curve(svg, "gauss-base", "ink", `M${X(-7)} ${IN}H${X(7)}M${X(-7)} ${OUT}H${X(7)}`);
  const links = curve(svg, "gauss-links", "ink", x.slice(0, LINKS).map((v, i) => `M${X(v)} ${IN}L${X(y[i])} ${OUT}`).join(""));
  links.style.strokeOpacity = Math.min(0.45, 6 / Math.min(LINKS, x.length));
  const dots = (values, base) => values.map((v) => `M${X(v)} ${base}h.01`).join("");
  curve(svg, "gauss-x", "point plot-a", dots(x, IN));
  curve(svg, "gauss-y", "point plot-b", dots(y, OUT));
  bell("bell-a", "a", inputs, IN, 1);
  bell("bell-c", "c", limit, OUT, -1);
  bell("bell-b", "b", outputs, OUT, -1);
  curve(svg, "gauss-mean", "b", `M${X(inputs[0])} ${IN}L${X(outputs[0])} ${OUT}`);

  const names = layer(svg, "g", "gauss-names");
  names.replaceChildren();
  const name = (text, v, y, look) => // on the side with more room
    add(names, "text", { x: v > 0 ? EDGE : WIDTH - EDGE, y, class: `${look} ${v > 0 ? "" : "plot-end"}` }, text);
  name("inputs x", inputs[0], IN - 14, "a");
  name(gamma ? "outputs y, drawn down" : "every output is β", limit[0], OUT + 24, "b");
  const right = outputs[0] < inputs[0]; // of the line that it names
  add(names, "text", { x: X(inputs[0]) + (right ? 12 : -12), y: IN + 20, class: right ? "b" : "b plot-end" }, "mean μ");
  const grip = (key, look, v, py) => { dot(svg, key, look, X(v), py).dataset.grip = key; };
  grip("mean", "a", inputs[0], IN);
  grip("std", "a", inputs[0] + inputs[1], IN - lifts[1](inputs, inputs[0] + inputs[1]));
  grip("beta", "c", limit[0], OUT);
  const far = gamma ? OUT + lifts[-1](limit, limit[0] + limit[1]) : OUT + BELL;
  grip("gamma", "c", limit[0] + gamma, far);
  return (px, _, held) => {
    const v = back(px);
    if (held === "mean" || held === "beta") return { [held]: v };
    return held === "std" ? { std: v - inputs[0] } : { gamma: v - limit[0] };
  };
}
