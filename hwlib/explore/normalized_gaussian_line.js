// How batch norm of one feature is drawn: the inputs' bell stands above, that of the outputs hangs below, and lines lead from one to the other.

const LINKS = 24; // more lines would be one gray area
const EDGE = 10;
// From the top: the line of the inputs, that of the outputs, the end; a bell's height.
const [IN, OUT, HEIGHT, BELL] = [122, 236, 388, 108];

/** The inputs' bell, a line from each input to its output, and the bell that the map makes, with those of the earlier batches. */
function bells(svg, [{ x, y, a, b, inputs, outputs, limit, batch, after }], before, { doublings }, every) {
  const wide = matchMedia("(min-width: 40rem)").matches;
  const width = wide ? 740 : 340;
  svg.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
  svg.setAttribute("width", width);
  const { px: X, back } = scale([-6.8, 6.8], EDGE, width - EDGE);
  const frame = layer(svg, "g", "plot-axes");
  frame.replaceChildren();
  const clip = add(frame, "clipPath", { id: `explore-${Math.random()}` });
  add(clip, "rect", { x: EDGE, y: 0, width: width - 2 * EDGE, height: HEIGHT });
  for (const v of [-6, -4, -2, 0, 2, 4, 6]) {
    add(frame, "path", { d: `M${X(v)} ${IN}V${OUT}` });
    add(frame, "text", { x: X(v), y: HEIGHT - 4 }, typeset(v));
  }

  const density = ([m, s], v) => Math.exp(-(((v - m) / s) ** 2) / 2) / (s * Math.sqrt(2 * Math.PI));
  // Above and below, the highest bell fills its height, so neither changes with what the other does; below
  // it is that of every batch, so none is cut. A spike has no height: it goes to the end.
  const scaled = (pairs) => {
    const top = Math.max(...pairs.filter(([, s]) => s).map((pair) => density(pair, pair[0])));
    return (pair, v) => (BELL * density(pair, v)) / top;
  };
  const lifts = { [IN]: scaled([inputs]), [OUT]: scaled(every.map(([one]) => one.outputs)) };
  const shape = (pair, base, way, step = 40) => (!pair[1] ? `M${X(pair[0])} ${base}v${-way * BELL}`
    : `M${X(-7)} ${base}${Array.from({ length: 14 * step + 1 }, (_, i) => -7 + i / step)
      .map((v) => `L${X(v).toFixed(1)} ${(base - way * lifts[base](pair, v)).toFixed(1)}`).join("")}L${X(7)} ${base}`);

  const ghosts = layer(svg, "g", "gauss-ghosts");
  ghosts.replaceChildren();
  ghosts.setAttribute("clip-path", `url(#${clip.id})`);
  for (const [old] of before) add(ghosts, "path", { d: shape(old.outputs, OUT, -1, 10) });
  curve(svg, "bell-a", "a", shape(inputs, IN, 1));
  curve(svg, "bell-b", `b${outputs[1] ? "" : " plot-spike"}`, shape(outputs, OUT, -1));
  const line = (at) => `M${X(-7)} ${at}H${X(7)}`;
  curve(svg, "gauss-base", "ink", line(IN) + line(OUT));
  curve(svg, "gauss-goal", "c", `M${X(limit[0])} ${OUT}V${OUT + BELL + 10}`);
  curve(svg, "gauss-links", "ink", x.slice(0, LINKS).map((v, i) => `M${X(v)} ${IN}L${X(y[i])} ${OUT}`).join(""));
  const dots = (values, at) => values.map((v) => `M${X(v)} ${at}h.01`).join("");
  const many = doublings > 5 ? " plot-many" : "";
  curve(svg, "gauss-x", `point plot-a${many}`, dots(x, IN));
  curve(svg, "gauss-y", `point plot-b${many}`, dots(y, OUT));
  curve(svg, "gauss-mean", "ink", `M${X(inputs[0])} ${IN}L${X(outputs[0])} ${OUT}`);
  curve(svg, "gauss-now", "point plot-ink", dots([outputs[0]], OUT));

  const names = layer(svg, "g", "gauss-names");
  names.replaceChildren();
  const name = (px, py, text, kind) => add(names, "text", { x: px, y: py, class: kind }, text);
  // In the corners, where a bell is low.
  const corner = (right, top, texts, look) => texts.forEach((text, i) =>
    name(right ? width - EDGE : EDGE, top + 18 * i, text, `${i ? "small" : ""} ${look} ${right ? "plot-end" : ""}`));
  const digits = (v) => typeset(+v.toFixed(3)); // with two, the map would not give the number that the line says
  const map = `y ≈ ${digits(a)} x ${b < 0 ? "−" : "+"} ${digits(Math.abs(b))}`;
  corner(inputs[0] <= 0, 30, ["all inputs x"], "a");
  const right = limit[0] <= 0;
  corner(right, OUT + BELL - 40, ["all x through", "this batch’s map", map], "b");
  if (before.length) corner(!right, OUT + BELL, ["gray: earlier batches"], "small");
  // The dots are the batch: what is said of it stands at their lines.
  const said = (right, py, letter, [mean, sd], look) => {
    const words = [`this batch’s ${letter}:`, `mean ${short(mean)}, sd ${short(sd)}`];
    const rows = wide ? [words.join(" ")] : words;
    rows.forEach((text, i) => name(right ? width - EDGE : EDGE, py + 17 * (i - (letter === "y") * (rows.length - 1)), text, `small ${look} ${right ? "plot-end" : ""}`));
  };
  said(inputs[0] <= 0, IN + 20, "x", batch, "a");
  said(right, OUT - 10, "y", after, "b");
  name(X(limit[0]), OUT + BELL + 23, "β", "c plot-middle");

  const grip = (key, v, py, letter, dx, dy) => {
    dot(svg, key, "a", X(v), py).dataset.grip = key;
    name(X(v) + dx, py + dy, letter, "a");
  };
  grip("mean", inputs[0], IN, "μ", -4, -15);
  grip("std", inputs[0] + inputs[1], IN - lifts[IN](inputs, inputs[0] + inputs[1]), "σ", 14, 0);
  return (px, _, held) => (held === "mean" ? { mean: back(px) } : { std: back(px) - inputs[0] });
}
