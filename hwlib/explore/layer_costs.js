// What layers cost: dense, standard convolution, depthwise separable convolution.

/**
 * Weights and multiply-accumulates of the three layers, and of the two parts of the last one: from
 * C channels of n × n to F channels of n × n, filters of K × K, zeros around the image, no biases.
 */
export function costs({ in_channels: C, out_channels: F, kernel_size: K, side: n }) {
  const parts = { depthwise: C * K ** 2, pointwise: F * C };
  const weights = {
    dense: C * F * n ** 4,
    standard: F * C * K ** 2,
    separable: parts.depthwise + parts.pointwise,
  };
  const macs = { dense: weights.dense, standard: n ** 2 * weights.standard, separable: n ** 2 * weights.separable };
  return { weights, macs, parts, ratio: 1 / F + 1 / K ** 2 };
}

const WORDS = [[1e15, "quadrillion"], [1e12, "trillion"], [1e9, "billion"], [1e6, "million"]];
const whole = (count) => count.toLocaleString("en");

/** A count in three digits and a word, or to the last digit where it is short. */
export function short(count) {
  const [unit, word] = WORDS.find(([least]) => count >= least) ?? [];
  return word ? `${+(count / unit).toPrecision(3)} ${word}` : whole(+count.toPrecision(6));
}

const three = (number) => String(+number.toPrecision(3));

/** The ratio spelled in one line, and the formulas of all counts in others. */
export function spell(state) {
  const { in_channels: C, out_channels: F, kernel_size: K, side: n } = state;
  const { weights, macs, parts, ratio } = costs(state);
  const line = `separable / standard\n= 1/F + 1/K²\n` +
    `= 1/${F} + 1/${K ** 2} ${+three(ratio) === ratio ? "=" : "≈"} ${three(ratio)}`;
  const notes = [
    `From C = ${C} to F = ${F} channels of ${n}\u00a0×\u00a0${n}:`,
    `standard F·C·K² = ${F}·${C}·${K ** 2} = ${whole(weights.standard)} weights`,
    `separable C·K² + F·C = ${whole(parts.depthwise)} + ${whole(parts.pointwise)} = ${whole(weights.separable)}`,
    `dense C·n² · F·n² = ${whole(C * n ** 2)} · ${whole(F * n ** 2)} = ${short(weights.dense)}`,
    `MACs for one image: n² = ${whole(n ** 2)} times the weights, so ${short(macs.standard)} and ` +
      `${short(macs.separable)} (dense: each weight once)`,
  ];
  return { line, notes };
}

const CONTROLS = {
  in_channels: range("channels in, C", 1, 1024),
  out_channels: range("channels out, F", 1, 1024),
  kernel_size: range("kernel K", 1, 7, 2),
  side: range("image side n", 7, 224, 7),
};
const [LEFT, WIDTH, HEIGHT] = [2, 326, 120]; // of the standard layer's rectangle, in units of the viewBox

function draw(state, { svg, line, notes }) {
  const { in_channels: C, out_channels: F, kernel_size: K, side: n } = state;
  const { weights, parts, ratio } = costs(state);
  const words = spell(state);
  line.textContent = words.line;
  notes.textContent = words.notes.join("\n");
  const frame = layer(svg, "g", "costs-frame");
  frame.replaceChildren();
  const text = (y, words, kind = "") => add(frame, "text", { x: LEFT, y, class: kind }, words);
  /** A rectangle; its area is the count, where the standard layer's is WIDTH · HEIGHT. */
  const area = (name, y, width, height) => {
    const path = layer(svg, "path", `costs-${name}`);
    path.setAttribute("class", `costs-${name} costs-area`);
    path.setAttribute("d", `M${LEFT} ${y}h${width}v${height}h${-width}z`);
  };
  text(15, `standard: ${short(weights.standard)} weights`, "costs-title");
  area("standard", 24, WIDTH, HEIGHT);
  // F filters are its rows, K² taps of C weights its columns; lines that lie too close are left out.
  const lines = (count, step, d) => (step < 5 ? "" : Array.from({ length: count - 1 }, (_, i) => d((i + 1) * step)).join(""));
  layer(svg, "path", "costs-lines").setAttribute("d",
    lines(K ** 2, WIDTH / K ** 2, (x) => `M${LEFT + x} 24v${HEIGHT}`) +
    lines(F, HEIGHT / F, (y) => `M${LEFT} ${24 + y}h${WIDTH}`));
  const top = 24 + HEIGHT + 28;
  text(top, `separable: ${short(weights.separable)}, ${three(100 * ratio)}% of it`, "costs-title");
  text(top + 21, `depthwise ${short(parts.depthwise)}: as one of F = ${whole(F)} row${F > 1 ? "s" : ""}`);
  area("depthwise", top + 29, WIDTH, HEIGHT / F);
  const below = top + 29 + HEIGHT / F + 22;
  text(below, `pointwise ${short(parts.pointwise)}: as one of K² = ${K ** 2} column${K > 1 ? "s" : ""}`);
  area("pointwise", below + 8, WIDTH / K ** 2, HEIGHT);
  layer(svg, "path", "costs-whole").setAttribute("d", `M${LEFT} ${below + 8}h${WIDTH}v${HEIGHT}h${-WIDTH}z`);
  text(below + HEIGHT + 32, `dense: ${short(weights.dense)}`, "costs-title");
  text(below + HEIGHT + 51, `as much as ${short(n ** 4 / K ** 2)} such rectangles`);
  svg.setAttribute("viewBox", `0 0 ${LEFT + WIDTH + 2} ${below + HEIGHT + 59}`);
  svg.setAttribute("width", 1.4 * WIDTH);
  svg.setAttribute("aria-label", `Areas to scale: the standard layer has ${whole(weights.standard)} weights, the depthwise ` +
    `layer ${whole(parts.depthwise)}, the pointwise layer ${whole(parts.pointwise)}, the dense layer ${short(weights.dense)}. From ${C} to ${F} channels, ${K} × ${K}.`);
}

const net = (in_channels, out_channels, side) => ({ in_channels, out_channels, side, kernel_size: 3 });
const FIGURE = {
  title: "What a layer costs",
  invite: "Press a button, or move one slider and see which areas change.",
  controls: CONTROLS,
  presets: {
    "MobileNet's first pair": net(32, 64, 112),
    "Its middle": net(512, 512, 14),
    "Its last": net(1024, 1024, 7),
  },
  draw,
};

export default { render: (context) => explore(context, FIGURE) };
