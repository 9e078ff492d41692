// What layers cost as it is drawn: their filters, their weights as areas, and a table of all counts.

const CONTROLS = {
  in_channels: range("channels C", 1, 1024),
  out_channels: range("filters F", 1, 1024),
  kernel_size: range("kernel K", 1, 7, 2),
  side: range("image side n", 7, 224, 7),
};
const [FACE, THIN] = [38, 2]; // of a filter; the least height at which a row is seen

/** Where things stand, in units of the viewBox: two panels, and the table below them. */
const layout = () => matchMedia("(min-width: 40rem)").matches
  ? { width: 760, panel: 360, second: [400, 0], high: 168, table: 396, ends: [300, 500, 760], signs: [390, 570] }
  : { width: 340, panel: 338, second: [0, 256], high: 76, table: 548, ends: [196, 0, 338], signs: [] };

/** A filter as a block, from its front's lower left corner: K × K cells, as deep as it has channels. */
function block(parent, x, y, cells, cell, depth) {
  const [side, across, up] = [cells * cell, 0.8 * depth, -0.5 * depth];
  add(parent, "path", { d: `M${x} ${y}v${-side}l${across} ${up}h${side}v${side}l${-across} ${-up}z`, class: "body" });
  const lines = Array.from({ length: cells - 1 }, (_, i) => (i + 1) * cell);
  add(parent, "path", { class: "edges", d: `M${x} ${y}v${-side}h${side}v${side}zM${x + side} ${y - side}l${across} ${up}` +
    lines.map((at) => `M${x + at} ${y}v${-side}M${x} ${y - at}h${side}`).join("") });
}

/** A few of `many` filters in a row; below them what they are. */
function filters(frame, name, [x, y], many, cells, cell, channels) {
  const depth = channels > 1 ? 30 * Math.min(1, channels / 8) : 0;
  const group = add(frame, "g", { class: `costs-filters costs-${name}` });
  const pitch = Math.max(cells * cell, 12) + 0.8 * depth + 8;
  const shown = Math.min(many, name === "standard" ? 4 : 3);
  for (let i = 0; i < shown; i++) block(group, x + i * pitch, y, cells, cell, depth);
  if (many > shown) add(frame, "text", { x: x + shown * pitch, y: y - 8 }, "⋯");
  const shape = [...(name === "depthwise" ? [] : [whole(channels)]), cells, cells].join(" × ");
  add(frame, "text", { x, y: y + 20, class: "small" }, `${whole(many)} of ${shape}`);
}
const some = (count, word) => `${whole(count)} ${word}${count > 1 ? "s" : ""}`;

/** A row for each layer: its weights, how often each is used, and so its MACs. */
function table(frame, { weights, macs }, { table: top, ends, signs, width }) {
  const text = (x, y, words, kind) => add(frame, "text", { x, y, class: kind }, words);
  const heads = ["weights", signs.length && "uses of each", "MACs per image"];
  heads.forEach((words, k) => words && text(ends[k], top, words, "small end"));
  add(frame, "path", { class: "costs-rule", d: `M0 ${top + 8}H${width}` });
  Object.keys(weights).forEach((name, i) => {
    const y = top + 27 + 23 * i;
    text(0, y, name, "costs-title");
    text(ends[0], y, short(weights[name]), "end");
    text(ends[2], y, short(macs[name]), "end");
    signs.forEach((x, k) => text(x, y, "×="[k], "middle"));
    if (signs.length) text(ends[1], y, whole(macs[name] / weights[name]), "end");
  });
}

function draw(state, { svg, line, inputs }) {
  const { in_channels: C, out_channels: F, kernel_size: K } = state;
  const { weights, macs, parts, ratio } = costs(state);
  for (const name in CONTROLS) say(inputs[name], whole(state[name]));
  line.textContent = spell(state);
  const at = layout();
  const [[x, y], high] = [at.second, at.high];
  svg.setAttribute("viewBox", `-2 0 ${at.width + 4} ${at.table + 82}`);
  svg.setAttribute("width", at.width + 4);
  svg.setAttribute("aria-label", `Weights as areas to one scale: the standard layer has ${whole(weights.standard)}, the depthwise ` +
    `layer ${whole(parts.depthwise)}, the pointwise layer ${whole(parts.pointwise)}. The dense layer has ${short(weights.dense)}. ${spell(state)}`);
  const frame = layer(svg, "g", "costs-frame");
  frame.replaceChildren();
  const text = (x, y, words, kind = "small") => add(frame, "text", { x, y, class: kind }, words);
  /** A rectangle; its area is the count, where the standard layer's is at.panel · tall. */
  const area = (name, x, y, width, height, least = 0) => {
    const path = layer(svg, "path", `costs-${name}-area`);
    path.setAttribute("class", `costs-${name}-area costs-${name} costs-area`);
    path.setAttribute("d", `M${x} ${y}h${width}v${Math.max(height, least)}h${-width}z`);
  };
  const tall = Math.min(high, high / (0.9 * (1 + 1 / F))); // so that the lowest F has room, too
  const [row, column] = [tall / F, at.panel / K ** 2];

  text(0, 16, `Standard: ${short(weights.standard)} weights`, "costs-large");
  filters(frame, "standard", [0, 88], F, K, FACE / K, C);
  text(0, 144, `${some(F, "filter")} (${F > 1 ? "rows" : "row"}${row < THIN ? ", not drawn" : ""}), ${some(K ** 2, "tap")} (${K > 1 ? "columns" : "column"})`);
  area("standard", 0, 154, at.panel, tall);
  const lines = (count, step, d) => (step < THIN ? "" : Array.from({ length: count - 1 }, (_, i) => d((i + 1) * step)).join(""));
  layer(svg, "path", "costs-lines").setAttribute("d", lines(K ** 2, column, (at) => `M${at} 154v${tall}`));
  layer(svg, "path", "costs-rows").setAttribute("d", lines(F, row, (down) => `M0 ${154 + down}h${at.panel}`));
  text(0, 154 + tall + 15, "Each setting has a scale of its own.");

  const top = y + 154;
  text(x, y + 16, `Separable: ${short(weights.separable)} weights, ${percent(ratio)}`, "costs-large");
  filters(frame, "depthwise", [x, y + 88], C, K, FACE / K, 1);
  text(x + 160, y + 76, "+", "costs-large");
  filters(frame, "pointwise", [x + 190, y + 88], F, 1, FACE / K, C);
  text(x, y + 144, `pointwise: ${short(parts.pointwise)} = 1 of ${some(K ** 2, "column")}`, "pointwise");
  area("pointwise", x, top, column, tall);
  layer(svg, "path", "costs-whole").setAttribute("d", `M${x} ${top}h${at.panel}v${tall}h${-at.panel}z`);
  area("depthwise", x, top + tall + 5, at.panel, row, THIN);
  text(x, top + tall + 24 + Math.max(row, THIN),
    `depthwise: ${short(parts.depthwise)} = 1 of ${some(F, "row")}`, "depthwise");
  if (row < THIN) text(x, top + tall + 40 + THIN, "(drawn thicker)");
  table(frame, { weights, macs }, at);
}

const net = (in_channels, out_channels, side, kernel_size = 3) => ({ in_channels, out_channels, side, kernel_size });
const LESSONS = { "First pair": net(32, 64, 112), "Last pair": net(1024, 1024, 7), "7 × 7": net(32, 64, 112, 7), "2 filters": net(32, 2, 112) };
const FIGURE = {
  title: "What a layer costs",
  invite: "Press Play: the filters double, and one row and one column remain.",
  controls: CONTROLS,
  presets: Object.fromEntries(Object.entries(LESSONS).map(([name, one]) => [`${name}: ${percent(costs(one).ratio)}`, one])),
  play: {
    first: () => ({ out_channels: 1 }),
    next: ({ out_channels: F }) => (F < 1024 ? { out_channels: Math.min(2 * F, 1024) } : null),
    every: 900,
  },
  draw,
};

export default { render: (context) => explore(context, FIGURE) };
