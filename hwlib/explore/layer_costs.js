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

/** A count in three digits and a word, or to the last digit where it is short. */
export function short(count) {
  const [unit, word] = WORDS.find(([least]) => count >= least) ?? [];
  return word ? `${+(count / unit).toPrecision(3)} ${word}` : count.toLocaleString("en");
}

const three = (number) => String(+number.toPrecision(3));

/** The ratio spelled in one line, and the formulas of all counts in others. */
export function spell(state) {
  const { in_channels: C, out_channels: F, kernel_size: K, side: n } = state;
  const { weights, parts, ratio } = costs(state);
  const whole = (count) => count.toLocaleString("en");
  const line = `separable / standard\n= 1/F + 1/K²\n` +
    `= 1/${F} + 1/${K ** 2} ${+three(ratio) === ratio ? "=" : "≈"} ${three(ratio)}`;
  const notes = [
    `From C = ${C} to F = ${F} channels of ${n}\u00a0×\u00a0${n}:`,
    `standard F·C·K² = ${F}·${C}·${K ** 2} = ${whole(weights.standard)} weights`,
    `separable C·K² + F·C = ${whole(parts.depthwise)} + ${whole(parts.pointwise)} = ${whole(weights.separable)}`,
    `dense C·n² · F·n² = ${whole(C * n ** 2)} · ${whole(F * n ** 2)}`,
    `MACs: ${n}² = ${whole(n ** 2)} times the weights (dense: once)`,
  ];
  return { line, notes };
}

const range = (label, min, max, step = 1) => [label, { type: "range", min, max, step }];
const CONTROLS = {
  in_channels: range("channels in, C", 1, 256),
  out_channels: range("channels out, F", 1, 256),
  kernel_size: range("kernel K", 1, 7, 2),
  side: range("image side n", 7, 224, 7),
};
const [WIDTH, DECADES] = [330, 16]; // of the picture, in units of the viewBox; of its axis

function draw(state, { svg, line, notes }) {
  const { weights, macs, ratio } = costs(state);
  const words = spell(state);
  line.textContent = words.line;
  notes.textContent = words.notes.join("\n");
  const X = (count) => 4 + (Math.log10(count) / DECADES) * (WIDTH - 8);
  const said = [];
  svg.dataset.spot = "";
  svg.setAttribute("viewBox", `0 0 ${WIDTH} 290`);
  svg.setAttribute("width", 1.4 * WIDTH);
  svg.style.cursor = "default";
  const frame = layer(svg, "g", "costs-frame");
  frame.replaceChildren();
  const text = (x, y, words, kind = "") => add(frame, "text", { x, y, class: kind }, words);
  for (let power = 0; power <= DECADES; power += 3) {
    add(frame, "path", { d: `M${X(10 ** power)} 4V270` });
    const label = ["1", "10³", "10⁶", "10⁹", "10¹²", "10¹⁵"][power / 3];
    text(X(10 ** power), 286, label, power ? "middle" : "");
  }
  Object.entries({ weights, "MACs for one image": macs }).forEach(([title, counts], i) => {
    const top = 38 + 136 * i;
    text(8, top - 20, title, "costs-title");
    Object.entries(counts).forEach(([name, count], j) => {
      const y = top + 33 * j;
      const bar = layer(svg, "path", `costs-${i}${name}`);
      bar.setAttribute("class", `costs-${i}${name} costs-bar costs-${name}`);
      bar.setAttribute("d", `M4 ${y + 5}H${X(count)}v12H4z`);
      text(8, y, `${name}: ${short(count)}`);
      said.push(`${name} ${short(count)} ${title}`);
    });
    const y = top + 66 + 11; // the same step in both groups
    const [from, to] = [X(counts.separable), X(counts.standard)];
    layer(svg, "path", `costs-step-${i}`).setAttribute("d", `M${from + 5 * Math.sign(to - from)} ${y}H${to}v-7`);
    text(Math.max(from, to) + 8, y + 5, ratio > 1 ? `× ${three(ratio)}` : `÷ ${three(1 / ratio)}`);
  });
  svg.setAttribute("aria-label", `Bars on a logarithmic scale: ${said.join(", ")}.`);
}

const FIGURE = { title: "What a layer costs", invite: "", controls: CONTROLS, draw, look: "explore-rows" };

export default { render: (context) => explore(context, FIGURE) };
