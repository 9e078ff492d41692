// Four tiny networks, and below them bars whose areas add up to the average: bias² plus variance.

const CONTROLS = {
  keep: ["keep k", { type: "range", min: 0, max: 1, step: 0.01 }],
  w1: ["weight w₁", { type: "range", min: -1, max: 4, step: 0.01 }],
  w2: ["weight w₂", { type: "range", min: -1, max: 4, step: 0.01 }],
  mask: ["mask", { type: "range", min: 0, max: 3, more: true }],
  draws: ["random draws", { type: "range", min: 0, max: 200, more: true }],
};
const NAMES = ["both dropped", "x₁ dropped", "x₂ dropped", "both kept"];
const [CARD, TALL, GAP, BAR] = [172, 168, 12, 100]; // a card's width and height; the highest bar
const COINS = [46, 88]; // where the two inputs stand in a card
const OUT = 67; // and the output

/** One network: what is dropped is dashed; below it the prediction and the target on a line. */
function network(parent, x, y, state, { mask, chance, prediction, error }, index, [low, high], count) {
  const { x: features, y: target, w1, w2 } = state;
  const g = add(parent, "g", { transform: `translate(${x} ${y})`, class: index === state.mask ? "masks-card chosen" : "masks-card" });
  add(g, "rect", { width: CARD, height: TALL, rx: 6, "data-spot": `mask ${index}` });
  const write = (px, py, text, kind = "") => add(g, "text", { x: px, y: py, class: kind }, text);
  write(CARD / 2, 18, `${mask.join("")}: ${NAMES[index]}`, "bold");
  mask.forEach((kept, j) => {
    const cy = COINS[j];
    add(g, "path", { class: kept ? "masks-line" : "masks-line dropped", d: `M54 ${cy}L110 ${OUT}`,
      "stroke-width": 1 + Math.min(5, 2 * Math.abs([w1, w2][j])) });
    add(g, "ellipse", { cx: 32, cy, rx: 26, ry: 18, class: kept ? "kept" : "dropped", "data-spot": `coin ${index} ${j}` });
    write(32, cy + 5, `x${"₁₂"[j]} = ${short(features[j])}`, kept ? "" : "gone");
    if (kept) write(j ? 89 : 84, j ? 98 : 44, `·${short([w1, w2][j])}`);
  });
  add(g, "circle", { cx: 131, cy: OUT, r: 21, class: "masks-out" });
  write(131, OUT + 5, short(prediction));
  const at = (v) => 16 + ((CARD - 32) * (v - low)) / (high - low);
  add(g, "path", { class: "masks-axis", d: `M10 134H${CARD - 10}` });
  add(g, "path", { class: "masks-gap", d: `M${at(prediction)} 134H${at(target)}` });
  add(g, "path", { class: "masks-target", d: `M${at(target)} 124v20` });
  add(g, "circle", { class: "masks-dot", cx: at(prediction), cy: 134, r: 5 });
  write(Math.max(32, Math.min(CARD - 30, at(target))), 121, `y = ${short(target)}`);
  write(CARD / 2, 160, `P ${short(chance)}, error² ${short(error)}`, "masks-error");
  if (count !== undefined) write(136, 38, `drawn ${count}×`, "masks-count");
}

/** The bars of the squared errors, and the bar of their average. */
function sheet(svg, state, { networks, mean, variance, loss }, drawn, seen, { top, columns, width }) {
  const g = layer(svg, "g", "masks-bars");
  g.replaceChildren();
  const [left, right] = [44, width - (columns === 4 ? 190 : 178)];
  const [floor, across] = [top + BAR, right - left];
  const tall = Math.max(state.y ** 2, ...networks.map(({ error }) => error), 1e-9);
  const up = (error) => floor - (BAR * error) / tall;
  const write = (x, y, text, kind) => add(g, "text", { x, y, class: kind }, text);
  const step = [1, 2, 5, 10, 20, 50, 100, 200, 500].find((s) => tall / s <= 5.01) ?? 1000;
  for (let v = 0; v <= tall; v += step) {
    if (v) add(g, "path", { class: "masks-tick", d: `M${left} ${up(v)}H${right}` });
    write(left - 6, up(v) + 4, `${v}`, "end");
  }
  add(g, "text", { transform: `translate(12 ${top + BAR / 2}) rotate(-90)` }, "error²");
  let from = left;
  networks.forEach(({ mask, chance, error }, i) => {
    const wide = across * chance;
    const kind = i === state.mask ? "chosen" : "";
    if (chance > 0) {
      add(g, "rect", { x: from, y: up(error), width: wide, height: floor - up(error), class: kind, "data-spot": `mask ${i}` });
      const place = wide > 20 ? [from + wide / 2, ""] : i ? [from, "start"] : [from + wide, "end"];
      if (wide > 20 || (wide > 4 && i % 3 === 0)) write(place[0], floor + 17, mask.join(""), place[1]);
    }
    from += wide;
  });
  add(g, "path", { class: "masks-floor", d: `M${left} ${floor}H${right}` });
  // The same average once more, as bias² plus variance.
  const bar = right + 26;
  const bias = (state.y - mean) ** 2;
  add(g, "path", { class: "masks-average", d: `M${left} ${up(loss)}H${bar + 34}` });
  for (const [kind, low, high] of [["bias", 0, bias], ["variance", bias, loss]])
    add(g, "path", { class: `masks-${kind}`, d: `M${bar} ${up(low)}V${up(high)}h34V${up(low)}z` });
  // Their names, a line apart at least.
  let [whole, above, below] = [up(loss) - 6, up(bias + variance / 2) + 5, up(bias / 2) + 5];
  below = Math.min(below, floor - 4);
  above = Math.min(above, below - 17);
  whole = Math.max(top + 4, Math.min(whole, above - 17));
  above = Math.max(above, whole + 17);
  const beside = (y, text, kind = "") => write(bar + 40, y, text, `start ${kind}`);
  beside(whole, `average ${short(loss)}`, "bold");
  beside(above, `= variance ${short(variance)}`);
  beside(Math.max(below, above + 17), `+ bias² ${short(bias)}`);
  if (!state.draws) return;
  add(g, "path", { class: "masks-seen", d: `M${left} ${up(seen)}H${right}` });
  write(right + 10, floor + 17, `${drawn.length} drawn: ${short(seen)}`, "start masks-seen");
}

function draw(problem, choice, { svg, line, notes, inputs }) {
  const state = { ...problem, ...choice };
  const result = average(state);
  const { networks } = result;
  const drawn = toss(state, uniforms(1));
  const words = spell(state, result, drawn);
  line.textContent = words.line;
  notes.textContent = words.notes.join("\n");
  say(inputs.mask, `(${networks[state.mask].mask.join(", ")})`);
  svg.setAttribute("aria-label", `Four networks and bars: the areas of the bars add up to the average. ${words.line} ${words.notes.join(" ")}`);

  const columns = matchMedia("(min-width: 40rem)").matches ? 4 : 2;
  const width = columns * (CARD + GAP) - GAP;
  const top = (4 / columns) * (TALL + GAP) + 6; // of the bars
  svg.setAttribute("viewBox", `-1 -1 ${width + 2} ${top + BAR + 24}`);
  svg.setAttribute("width", width);
  sheet(svg, state, result, drawn, words.seen, { top, columns, width });
  const cards = layer(svg, "g", "masks-cards");
  cards.replaceChildren();
  const all = [0, state.y, ...networks.map(({ prediction }) => prediction)];
  const range = [Math.min(...all), Math.max(...all) || 1];
  networks.forEach((each, i) => {
    const count = state.draws ? drawn.filter((index) => index === i).length : undefined;
    network(cards, (i % columns) * (CARD + GAP), Math.floor(i / columns) * (TALL + GAP), state, each, i, range, count);
  });

  return (x, y, held) => {
    const [kind, index, coin] = held.split(" ");
    return { mask: kind === "coin" ? index ^ (2 >> coin) : +index };
  };
}

const FIGURE = {
  title: "Four masks, four networks, one average",
  invite: "Click an input to drop or keep it, or press Play to draw masks at random.",
  controls: CONTROLS,
  presets: {
    "Keep half": { keep: 0.5, w1: 2, w2: 1 },
    "No error without dropout": { keep: 0.75, w1: 1, w2: 1 },
    "The least average": { keep: 0.75, w1: 0.95, w2: 1.43 },
  },
};

export default {
  render(context) {
    const { model, el } = context;
    const problem = () => ({ x: model.get("x"), y: model.get("y") });
    explore(context, {
      ...FIGURE,
      draw: (state, parts) => draw(problem(), state, parts),
      play: {
        first: () => ({ draws: 0 }),
        next: ({ keep, draws }) => {
          if (draws >= 200) return null;
          const more = draws + (draws < 20 ? 1 : 4);
          return { draws: more, mask: toss({ keep, draws: more }, uniforms(1)).at(-1) };
        },
        every: 250,
      },
    });
    for (const name of ["x", "y"]) model.on(`change:${name}`, () => el.querySelector("input").oninput());
  },
};
