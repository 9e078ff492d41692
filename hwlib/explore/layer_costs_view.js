// What layers cost as it is drawn: their filters, their weights as areas, all counts on one axis.

const CONTROLS = {
  in_channels: range("channels C", 1, 1024),
  out_channels: range("filters F", 1, 1024),
  kernel_size: range("kernel K", 1, 7, 2),
  side: range("image side n", 7, 224, 7),
};
const [FACE, THIN] = [30, 1.2]; // of a filter; the least height at which a strip is seen

/** Where things stand, in units of the viewBox: two panels, and the table with its axis. */
const layout = () => matchMedia("(min-width: 40rem)").matches
  ? { width: 724, panel: 336, second: [388, 0], high: 84, table: 238, columns: [186, 318], axis: [388, 712], row: 22, drop: 0 }
  : { width: 330, panel: 328, second: [0, 178], high: 60, table: 398, columns: [196, 328], axis: [4, 310], row: 38, drop: 16 };

/** A filter as a block, from its front's lower left corner: K × K cells, as deep as it has channels. */
function block(parent, x, y, cells, cell, depth) {
  const [side, across, up] = [cells * cell, 0.8 * depth, -0.5 * depth];
  add(parent, "path", { d: `M${x} ${y}v${-side}l${across} ${up}h${side}v${side}l${-across} ${-up}z`, class: "body" });
  const lines = Array.from({ length: cells - 1 }, (_, i) => (i + 1) * cell);
  add(parent, "path", { class: "edges", d: `M${x} ${y}v${-side}h${side}v${side}zM${x + side} ${y - side}l${across} ${up}` +
    lines.map((at) => `M${x + at} ${y}v${-side}M${x} ${y - at}h${side}`).join("") });
}

/** A few of `many` filters in a row, and what they are called. */
function filters(frame, name, [x, y], many, cells, cell, channels, words) {
  const depth = channels > 1 ? 26 * Math.min(1, channels / 8) : 0;
  const group = add(frame, "g", { class: `costs-filters ${name}` });
  const pitch = Math.max(cells * cell, 10) + 0.8 * depth + (depth ? 10 : 6);
  const shown = Math.min(many, 3);
  for (let i = 0; i < shown; i++) block(group, x + i * pitch, y, cells, cell, depth);
  if (many > shown) add(frame, "text", { x: x + shown * pitch, y: y - 8 }, "⋯");
  add(frame, "text", { x, y: y + 17, class: "small" }, words);
}

/** A row for each layer: its weights and MACs as numbers, and from one to the other on a logarithmic axis. */
function table(frame, { weights, macs }, { table: top, columns, axis: [from, to], row, drop }) {
  const X = (v) => from + ((to - from) * Math.log10(v)) / 16;
  const text = (x, y, words, kind) => add(frame, "text", { x, y, class: kind }, words);
  const last = top + 22 + 2 * row + drop;
  text(columns[0], top, "● weights", "small end");
  text(columns[1], top, "▶ MACs per image", "small end");
  for (const [power, name] of [[0, "1"], [3, "1,000"], [6, "million"], [9, "billion"], [12, "trillion"], [15, "10¹⁵"]]) {
    const x = X(10 ** power);
    const rows = [0, 1, 2].map((i) => `M${x} ${top + 6 + i * row + drop}v22`); // not through the numbers
    add(frame, "path", { class: "costs-axis", d: rows.join("") });
    text(x, last + 20, name, "small middle");
  }
  Object.keys(weights).reverse().forEach((name, i) => { // the cheapest first
    const y = top + 22 + i * row;
    text(0, y, name, "costs-title");
    [weights, macs].forEach((counts, k) => text(columns[k], y, short(counts[name]), "end"));
    const [a, b, line] = [X(weights[name]), X(macs[name]), y - 5 + drop];
    const look = `costs-row costs-${name}`;
    add(frame, "path", { class: look, d: `M${a} ${line}H${b}` });
    add(frame, "circle", { class: look, cx: a, cy: line, r: 5 });
    add(frame, "path", { class: look, d: `M${b - 1} ${line - 6}l11 6l-11 6z` });
  });
}

function draw(state, { svg, line, notes, inputs }) {
  const { in_channels: C, out_channels: F, kernel_size: K } = state;
  const { weights, macs, parts, ratio } = costs(state);
  const words = spell(state);
  for (const name in CONTROLS) say(inputs[name], whole(state[name]));
  line.textContent = words.line;
  notes.textContent = words.notes.join("\n");
  const at = layout();
  const [[x, y], high] = [at.second, at.high];
  svg.setAttribute("viewBox", `-2 0 ${at.width + 4} ${at.table + 22 + 2 * at.row + at.drop + 26}`);
  svg.setAttribute("width", at.width + 4);
  svg.setAttribute("aria-label", `Weights as areas to one scale: the standard layer has ${whole(weights.standard)}, the depthwise ` +
    `layer ${whole(parts.depthwise)}, the pointwise layer ${whole(parts.pointwise)}. The dense layer has ${short(weights.dense)}. ${words.line}`);
  const frame = layer(svg, "g", "costs-frame");
  frame.replaceChildren();
  const text = (x, y, words, kind = "small") => add(frame, "text", { x, y, class: kind }, words);
  /** A rectangle; its area is the count, where the standard layer's is at.panel · tall. */
  const area = (name, x, y, width, height, least = 0) => {
    const path = layer(svg, "path", `costs-${name}-area`);
    path.setAttribute("class", `costs-${name}-area costs-${name} costs-area`);
    path.setAttribute("d", `M${x} ${y}h${width}v${Math.max(height, least)}h${-width}z`);
  };
  const tall = Math.min(high, high / (0.8 * (1 + 1 / F))); // so that the lowest F has room, too
  const [row, column, thin] = [tall / F, at.panel / K ** 2, tall / F < THIN];

  const some = (count, word) => `${whole(count)} ${word}${count > 1 ? "s" : ""}`;
  const many = (count, shape) => `${some(count, "filter")} of ${shape}`;
  text(0, 14, `Standard: ${short(weights.standard)} weights`, "costs-title");
  filters(frame, "costs-standard", [0, 66], F, K, FACE / K, C, many(F, `${whole(C)} × ${K} × ${K}`));
  text(0, 102, `${some(F, "row")} (filters) × ${some(K ** 2, "column")} (taps)`);
  area("standard", 0, 108, at.panel, tall);
  const lines = (count, step, d) => (step < 4 ? "" : Array.from({ length: count - 1 }, (_, i) => d((i + 1) * step)).join(""));
  layer(svg, "path", "costs-lines").setAttribute("d", lines(K ** 2, column, (at) => `M${at} 108v${tall}`) +
    lines(F, row, (down) => `M0 ${108 + down}h${at.panel}`));

  text(x, y + 14, `Separable: ${short(weights.separable)} weights`, "costs-title");
  filters(frame, "costs-depthwise", [x, y + 66], C, K, FACE / K, 1, many(C, `${K} × ${K}`));
  text(x + 126, y + 56, "+", "costs-title");
  filters(frame, "costs-pointwise", [x + 146, y + 66], F, 1, FACE / K, C, `${whole(F)} of ${whole(C)} × 1 × 1`);
  text(x, y + 102, `pointwise ${short(parts.pointwise)} = 1 of ${some(K ** 2, "column")}`, "small pointwise");
  area("pointwise", x, y + 108, column, tall);
  layer(svg, "path", "costs-whole").setAttribute("d", `M${x} ${y + 108}h${at.panel}v${tall}h${-at.panel}z`);
  text(x + (K > 1 ? (at.panel + column) / 2 : at.panel / 2), y + 118 + tall / 2, percent(ratio), "costs-ratio");
  area("depthwise", x, y + 113 + tall, at.panel, row, THIN);
  text(x, y + 128 + tall + Math.max(row, THIN),
    `depthwise ${short(parts.depthwise)} = 1 of ${some(F, "row")}${thin ? ", enlarged" : ""}`, "small depthwise");
  table(frame, { weights, macs }, at);
}

const net = (in_channels, out_channels, side) => ({ in_channels, out_channels, side, kernel_size: 3 });
const FIGURE = {
  title: "What a layer costs",
  invite: "Press a button, or move a slider: one row and one column are all that remains.",
  controls: CONTROLS,
  presets: {
    "MobileNet's first pair": net(32, 64, 112),
    "Its last pair": net(1024, 1024, 7),
    "Larger filters, 7 × 7": { kernel_size: 7 },
    "Only 2 outputs": { out_channels: 2 },
  },
  draw,
};

export default { render: (context) => explore(context, FIGURE) };
