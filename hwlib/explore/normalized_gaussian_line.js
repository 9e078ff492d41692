// How batch norm of one feature is drawn: inputs above, outputs below, over one axis.

const LINKS = 32; // more lines would be one gray area
const GHOSTS = 8; // of the last batches
const EDGE = 12;
// From the top: the inputs' baseline, the row of outputs, the baseline of their bells, where μ landed, the end; a bell's height.
const [IN, ROW, OUT, STRIP, HEIGHT, BELL] = [96, 172, 266, 292, 328, 80];

/** A bell of inputs; a line leads from each to its output, below which stand the bells that the maps make. */
function bells(svg, [{ x, y, inputs, outputs, limit, batch, after }], before, { gamma, beta, doublings }, every) {
  const wide = matchMedia("(min-width: 40rem)").matches;
  const width = wide ? 724 : 340;
  svg.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
  svg.setAttribute("width", width);
  const { px: X, back } = scale([-7, 7], EDGE, width - EDGE);
  const frame = layer(svg, "g", "plot-axes");
  frame.replaceChildren();
  const clip = add(frame, "clipPath", { id: `explore-${Math.random()}` });
  add(clip, "rect", { x: EDGE, y: 0, width: width - 2 * EDGE, height: HEIGHT });
  for (const v of [-6, -4, -2, 0, 2, 4, 6]) {
    add(frame, "path", { d: `M${X(v)} ${IN - BELL}V${STRIP + 14}` });
    add(frame, "text", { x: X(v), y: HEIGHT - 6 }, typeset(v));
  }

  const density = ([m, s], v) => Math.exp(-(((v - m) / s) ** 2) / 2) / (s * Math.sqrt(2 * Math.PI));
  // Above and below, the highest bell fills its height, so neither changes with what the other does; below
  // it is that of every batch, so none is cut. A spike has no height: it goes to the end.
  const scaled = (pairs) => {
    const top = Math.max(...pairs.filter(([, s]) => s).map((pair) => density(pair, pair[0])));
    return (pair, v) => (BELL * density(pair, v)) / top;
  };
  const lifts = { [IN]: scaled([inputs]), [OUT]: scaled([limit, ...every.map(([one]) => one.outputs)]) };
  const shape = (pair, base, step = 40) => (!pair[1] ? `M${X(pair[0])} ${base}v${-BELL}`
    : Array.from({ length: 14 * step + 1 }, (_, i) => -7 + i / step)
      .map((v, i) => `${i ? "L" : "M"}${X(v).toFixed(1)} ${(base - lifts[base](pair, v)).toFixed(1)}`).join(""));
  const bell = (key, look, pair, base) => curve(svg, key, `${look}${pair[1] ? "" : " plot-spike"}`, shape(pair, base));

  // The map: from the batch's mean ± sd on the line of inputs to that of the outputs, and from each input to its output.
  const [[m, sd], [n, sd2]] = [batch, after];
  const flip = Math.sign(gamma) || 1;
  curve(svg, "gauss-band", "ink", `M${X(m - sd)} ${IN}H${X(m + sd)}L${X(n + flip * sd2)} ${ROW}H${X(n - flip * sd2)}z`);
  const links = curve(svg, "gauss-links", "ink", x.slice(0, LINKS).map((v, i) => `M${X(v)} ${IN}L${X(y[i])} ${ROW}`).join(""));
  links.style.strokeOpacity = Math.min(0.35, 5 / Math.min(LINKS, x.length));
  const ghosts = layer(svg, "g", "gauss-ghosts");
  ghosts.replaceChildren();
  ghosts.setAttribute("clip-path", `url(#${clip.id})`);
  const falls = (to) => `M${X(inputs[0])} ${IN}L${X(to)} ${ROW}`; // where an input at the mean goes
  for (const [old] of before.slice(-GHOSTS)) {
    const g = add(ghosts, "g");
    add(g, "path", { d: shape(old.outputs, OUT, 10) });
    add(g, "path", { d: falls(old.outputs[0]) });
  }
  const line = (at) => `M${X(-7)} ${at}H${X(7)}`;
  curve(svg, "gauss-base", "ink", line(IN) + line(ROW) + line(OUT));
  curve(svg, "gauss-in", "a", `M${X(m - sd)} ${IN}H${X(m + sd)}`);
  curve(svg, "gauss-out", "b", `M${X(n - sd2)} ${ROW}H${X(n + sd2)}`);
  const dots = (values, at) => values.map((v) => `M${X(v)} ${at}h.01`).join("");
  const many = doublings > 5 ? " plot-many" : "";
  curve(svg, "gauss-x", `point plot-a${many}`, dots(x, IN));
  curve(svg, "gauss-y", `point plot-b${many}`, dots(y, ROW));
  bell("bell-a", "a", inputs, IN);
  bell("bell-c", "c", limit, OUT);
  bell("bell-b", "b", outputs, OUT);
  curve(svg, "gauss-mean", "ink", `${falls(outputs[0])}V${STRIP}`);
  curve(svg, "gauss-goal", "c", `M${X(limit[0])} ${OUT}V${STRIP + 12}`);
  curve(svg, "gauss-went", "point plot-ink", dots(before.map(([old]) => old.outputs[0]), STRIP));
  curve(svg, "gauss-now", "point plot-ink", dots([outputs[0]], STRIP));

  const names = layer(svg, "g", "gauss-names");
  names.replaceChildren();
  const name = (px, py, text, kind) => add(names, "text", { x: px, y: py, class: kind }, text);
  const side = (right, py, text, kind) => name(right ? width - EDGE : EDGE, py, text, `${kind} ${right ? "plot-end" : ""}`);
  const rows = (right, top, look, ...texts) => texts.forEach((text, i) => side(right, top + 17 * i, text, i ? `${look} small` : look));
  const said = ([mean, sd]) => [`batch mean ${short(mean)}`, `batch sd ${short(sd)}`];
  rows(inputs[0] <= 0, 28, "a", "inputs x", ...said(batch));
  const right = limit[0] <= 0;
  rows(right, IN + 27, "b", gamma ? "outputs y" : "every y is β", ...said(after));
  side(right, STRIP + 5, `μ lands at ${short(outputs[0])}`, "ink");
  if (before.length) side(!right, STRIP + 5, wide ? "earlier batches" : "earlier", "small");
  if (wide) name(X((m - sd + n - sd2) / 2) - 8, (IN + ROW) / 2 + 4, "mean ± sd", "plot-end white");
  // The curves' names stand at their outer sides, below the dots.
  const edge = ([m, s], way) => m + way * 1.6 * s;
  const order = edge(outputs, -1) < edge(limit, -1) ? [["b", outputs], ["c", limit]] : [["c", limit], ["b", outputs]];
  if (gamma) order.forEach(([look, pair], i) => {
    const [at, py, way] = [X(edge(pair, i ? 1 : -1)), OUT - 0.278 * lifts[OUT](pair, pair[0]), i ? 1 : -1];
    curve(svg, `gauss-lead-${i}`, look, `M${at + 2 * way} ${py}h${14 * way}`);
    name(at + 20 * way, py + 5, look === "b" ? "this batch" : wide ? "very large batch" : "large batch", `${look} small ${i ? "" : "plot-end"}`);
  });
  else for (const i of [0, 1]) curve(svg, `gauss-lead-${i}`, "ink", "");

  const grip = (key, look, v, py, letter, dx, dy) => {
    dot(svg, key, look, X(v), py).dataset.grip = key;
    name(X(v) + dx, py + dy, letter, look);
  };
  grip("mean", "a", inputs[0], IN, "μ", -18, 20);
  grip("std", "a", inputs[0] + inputs[1], IN - lifts[IN](inputs, inputs[0] + inputs[1]), "σ", 10, -4);
  grip("beta", "c", beta, OUT, "β", 9, 17);
  grip("gamma", "c", beta + gamma, gamma ? OUT - lifts[OUT](limit, beta + gamma) : OUT - BELL, "γ", gamma < 0 ? -18 : 10, -4);
  return (px, _, held) => {
    const v = back(px);
    if (held === "mean" || held === "beta") return { [held]: v };
    return held === "std" ? { std: v - inputs[0] } : { gamma: v - limit[0] };
  };
}
