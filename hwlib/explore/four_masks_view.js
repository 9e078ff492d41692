// Four tiny networks; below them their errors times their probabilities, which add up to the average.

const CONTROLS = {
  keep: ["keep k", { type: "range", min: 0, max: 1, step: 0.01 }],
  w1: ["weight w₁", { type: "range", min: -1, max: 4, step: 0.01 }],
  w2: ["weight w₂", { type: "range", min: -1, max: 4, step: 0.01 }],
  draws: ["random draws", { type: "range", min: 0, max: 200, more: true }],
};
const KEPT = ["none", "x₂", "x₁", "both"];
// Beside each other, or on a phone in two rows above the bars: a card's width, the room between cards, where the bars stand.
const WIDE = { columns: 4, card: 138, gap: 16, top: 208, size: [754, 340] };
const NARROW = { columns: 2, card: 150, gap: 12, top: 400, size: [312, 578] };
const [TALL, HIGH, MOST] = [186, 120, 12]; // of a card; the highest bar, and what it stands for at least
const COINS = [56, 100]; // where the two inputs stand in a card
const OUT = 78; // and the output

/** One network: what is dropped is dashed; below it the prediction and the target on a line. */
function network(parent, x, y, card, state, { mask, prediction, error }, name, [low, high], { count, last }) {
  const { x: features, y: target, w1, w2 } = state;
  const g = add(parent, "g", { transform: `translate(${x} ${y})`, class: `masks-card ${last ? "chosen" : ""}` });
  add(g, "rect", { width: card, height: TALL, rx: 6 });
  const write = (px, py, text, kind = "") => add(g, "text", { x: px, y: py, class: kind }, text);
  write(card / 2, 18, `${name} kept${state.draws ? `, ${count}×` : ""}`, "bold masks-count");
  const end = card - 28;
  mask.forEach((kept, j) => {
    const cy = COINS[j];
    add(g, "path", { class: kept ? "masks-line" : "masks-line dropped", d: `M56 ${cy}L${end - 22} ${OUT}`,
      "stroke-width": 1 + Math.min(5, 2 * Math.abs([w1, w2][j])) });
    add(g, "ellipse", { cx: 32, cy, rx: 26, ry: 17, class: kept ? "kept" : "dropped" });
    write(32, cy + 5, `x${"₁₂"[j]} = ${short(features[j])}`, kept ? "" : "gone");
    if (kept) write(end - 32, j ? 120 : 44, `·${short([w1, w2][j])}`);
  });
  add(g, "circle", { cx: end, cy: OUT, r: 22, class: "masks-out" });
  write(end, OUT + 5, short(prediction));
  const at = (v) => 16 + ((card - 32) * (v - low)) / (high - low);
  add(g, "path", { class: "masks-axis", d: `M10 153H${card - 10}` });
  add(g, "path", { class: "masks-gap", d: `M${at(prediction)} 153H${at(target)}` });
  add(g, "path", { class: "masks-target", d: `M${at(target)} 144v18` });
  add(g, "circle", { class: "masks-dot", cx: at(prediction), cy: 153, r: 5 });
  write(Math.max(28, Math.min(card - 28, at(target))), 140, `y = ${short(target)}`);
  write(card / 2, 179, `error² ${short(error)}`, "masks-error");
}

/** Each error times its probability as a bar, and all of them one on the other: the average. */
function sheet(svg, state, { networks, loss }, drawn, seen, { columns, card, gap, top, size: [width] }) {
  const g = layer(svg, "g", "masks-bars");
  g.replaceChildren();
  const floor = top + HIGH + 4;
  const high = (v) => (HIGH * v) / Math.max(MOST, loss, seen || 0);
  const write = (x, y, text, kind = "") => add(g, "text", { x, y, class: kind }, text);
  const wide = columns === 4;
  const [pitch, first, thick] = wide ? [card + gap, card / 2, 64] : [57, 42, 38];
  const last = first + 4 * pitch;
  let below = floor;
  networks.forEach(({ chance, error }, i) => {
    const [x, part] = [first + i * pitch, chance * error];
    const kind = i === drawn.at(-1) ? "chosen" : "";
    add(g, "rect", { x: x - thick / 2, y: floor - high(part), width: thick, height: high(part), class: kind });
    add(g, "rect", { x: last - thick / 2, y: below -= high(part), width: thick, height: high(part), class: `part ${kind}` });
    write(x, floor - high(part) - 8, short(part), "bold");
    if (i) write(x - pitch / 2, floor - 8, "+", "sign");
    const factor = typeset(+chance.toFixed(4)); // no digit is lost, so that a reader who multiplies gets the bar
    write(x, wide ? TALL + 22 : floor + 18, wide ? `× P ${factor}` : factor, "masks-factor");
    if (!wide) write(x, floor + 38, KEPT[i]);
  });
  write(last - pitch / 2, floor - 8, "=", "sign");
  add(g, "path", { class: "masks-floor", d: `M0 ${floor}H${width}` });
  if (state.draws) add(g, "path", { class: "masks-seen", d: `M${last - thick / 2 - 10} ${floor - high(seen)}h${thick + 20}` });
  if (wide) { // the result, beside the networks
    add(g, "rect", { class: "masks-average", x: last - card / 2, width: card, height: TALL, rx: 6 });
    write(last, 18, "average", "bold");
    write(last, 90, short(loss), "bold masks-result");
    if (state.draws) [`${drawn.length} drawn:`, short(seen)].forEach((text, i) => write(last, 134 + 22 * i, text, "masks-seen"));
  } else {
    write(last, Math.min(below, state.draws ? floor - high(seen) : below) - 8, short(loss), "bold large");
    write(0, floor + 18, "P", "start");
    write(last, floor + 38, "average", "bold");
    write(0, top + 4, "error² × P", "start");
    if (state.draws) write(last - 34, top + 4, `${drawn.length} drawn: ${short(seen)}`, "end masks-seen");
  }
}

function draw(state, { svg, line }) {
  const result = average(state);
  const { networks } = result;
  const drawn = toss(state, uniforms(1));
  const words = spell(result, drawn);
  line.textContent = words.line;
  svg.setAttribute("aria-label", "Four networks; below them their squared errors times their probabilities, which add up " +
    `to the average. ${words.line}`);

  const layout = matchMedia("(min-width: 40rem)").matches ? WIDE : NARROW;
  const { columns, card, gap, size: [width, height] } = layout;
  svg.setAttribute("viewBox", `-1 -1 ${width + 2} ${height}`);
  svg.setAttribute("width", width);
  sheet(svg, state, result, drawn, words.seen, layout);
  const cards = layer(svg, "g", "masks-cards");
  cards.replaceChildren();
  const all = [0, state.y, ...networks.map(({ prediction }) => prediction)];
  // Some more than the target, so that an error is as long in every preset.
  const range = [Math.min(...all), Math.max(...all, 1.6 * state.y, 1)];
  networks.forEach((each, i) => {
    const draws = { count: drawn.filter((index) => index === i).length, last: drawn.at(-1) === i };
    network(cards, (i % columns) * (card + gap), Math.floor(i / columns) * (TALL + 12), card, state, each, KEPT[i], range, draws);
  });
}

const FIGURE = {
  title: "Four masks, four networks, one average",
  invite: "Press Play to draw masks, as training does. Which weights make the average smallest?",
  controls: CONTROLS,
  values: ["x", "y"],
  presets: {
    "k = 0.5": { keep: 0.5, w1: 2, w2: 1 },
    "Exact fit": { keep: 0.75, w1: 1, w2: 1 },
    "Least average": { keep: 0.75, w1: 0.95, w2: 1.43 },
  },
  play: {
    first: () => ({ draws: 0 }),
    next: ({ draws }) => (draws < 100 ? { draws: draws + (draws < 16 ? 1 : 7) } : null),
    every: 220,
  },
  draw,
};

export default { render: (context) => { explore(context, FIGURE); } };
