// Four tiny networks side by side, and below them bars whose areas add up to the average.

const CONTROLS = {
  keep: ["keep k", { type: "range", min: 0, max: 1, step: 0.01 }],
  w1: ["weight w₁", { type: "range", min: -1, max: 4, step: 0.01 }],
  w2: ["weight w₂", { type: "range", min: -1, max: 4, step: 0.01 }],
  mask: ["mask", { type: "range", min: 0, max: 3 }],
  draws: ["random draws", { type: "range", min: 0, max: 200 }],
};
const NAMES = ["00: both dropped", "01: x₁ dropped", "10: x₂ dropped", "11: both kept"];
const [CARD, TALL, BAR] = [160, 170, 120]; // width and height of a card, and the highest bar
const COINS = [58, 114]; // where the two inputs stand in a card

/** One network: dropped inputs are crossed out, and their lines broken. */
function network(parent, x, y, { x: features, y: target, w1, w2, mask: chosen }, { mask, chance, prediction, error }, index, count) {
  const g = add(parent, "g", { transform: `translate(${x} ${y})`, class: index === chosen ? "masks-card chosen" : "masks-card" });
  add(g, "rect", { width: CARD - 10, height: TALL - 8, rx: 6, "data-spot": `mask ${index}` });
  const write = (px, py, text, kind = "") => add(g, "text", { x: px, y: py, class: kind }, text);
  write(CARD / 2 - 5, 20, NAMES[index], "bold");
  mask.forEach((kept, j) => {
    const cy = COINS[j];
    add(g, "path", { class: kept ? "masks-line" : "masks-line dropped", d: `M46 ${cy}L98 86`,
      "stroke-width": 1 + Math.min(5, 2 * Math.abs([w1, w2][j])) });
    add(g, "circle", { cx: 28, cy, r: 18, class: kept ? "kept" : "dropped", "data-spot": `coin ${index} ${j}` });
    if (!kept) add(g, "path", { class: "masks-cross", d: `M15 ${cy + 13}l26 -26` });
    else write(j ? 81 : 84, j ? 119 : 60, `×${typeset(+[w1, w2][j].toPrecision(3))}`);
    write(28, cy + 5, typeset(+features[j].toPrecision(3)));
  });
  add(g, "circle", { cx: 118, cy: 86, r: 22, class: "masks-out" });
  write(118, 91, typeset(+prediction.toPrecision(3)));
  write(131, 121, `y = ${typeset(+target.toPrecision(3))}`);
  write(CARD / 2 - 5, 155, `squared error ${typeset(+error.toPrecision(3))}`, "masks-error");
  write(104, 137, `P = ${typeset(+chance.toPrecision(2))}`);
  if (count !== undefined) write(110, 42, `drawn ${count}×`);
}

function draw(problem, choice, { svg, line, notes, inputs }) {
  const state = { ...problem, ...choice };
  const result = average(state);
  const { networks, loss } = result;
  const drawn = toss(state, uniforms(1));
  const words = spell(state, result, drawn);
  line.textContent = words.line;
  notes.textContent = words.notes.join("\n");
  say(inputs.mask, `(${networks[state.mask].mask.join(", ")})`);
  svg.setAttribute("aria-label", `Four networks and bars: the areas of the bars add up to the average. ${words.line}. ${words.notes.join(". ")}`);

  const columns = matchMedia("(min-width: 40rem)").matches ? 4 : 2;
  const width = columns * CARD - 10;
  const top = (4 / columns) * TALL + 34; // of the bars
  svg.setAttribute("viewBox", `-1 -1 ${width + 2} ${top + BAR + 30}`);
  svg.setAttribute("width", 1.15 * width);
  const cards = layer(svg, "g", "masks-cards");
  cards.replaceChildren();
  networks.forEach((each, i) => {
    const count = state.draws ? drawn.filter((index) => index === i).length : undefined;
    network(cards, (i % columns) * CARD, Math.floor(i / columns) * TALL, state, each, i, count);
  });

  const bars = layer(svg, "g", "masks-bars");
  bars.replaceChildren();
  const [floor, across] = [top + BAR, width - 106];
  const tall = Math.max(...networks.map(({ error }) => error), words.seen || 0, 1e-9);
  const up = (error) => floor - (BAR * error) / tall;
  add(bars, "text", { x: 0, y: top - 18, class: "start" }, "width: probability, height: squared error");
  let from = 0;
  networks.forEach(({ mask, chance, error }, i) => {
    const wide = across * chance;
    if (chance > 0) {
      add(bars, "rect", { x: from, y: up(error), width: wide, height: floor - up(error),
        class: i === state.mask ? "chosen" : "", "data-spot": `mask ${i}` });
      if (wide > 11) add(bars, "text", { x: Math.max(8, from + wide / 2), y: floor + 17 }, mask.join(""));
    }
    from += wide;
  });
  const rule = (height, kind, text, y) => {
    add(bars, "path", { class: kind, d: `M0 ${up(height)}H${across + 6}` });
    add(bars, "text", { x: across + 10, y, class: `start ${kind}` }, text);
  };
  const [mean, seen] = [up(loss) + 4, up(words.seen) + 4]; // of their names, a line apart at least
  rule(loss, "masks-average", `average ${typeset(+loss.toPrecision(3))}`, mean);
  if (state.draws)
    rule(words.seen, "masks-seen", `drawn ${typeset(+words.seen.toPrecision(3))}`,
      words.seen > loss ? Math.min(seen, mean - 18) : Math.max(seen, mean + 18));
  add(bars, "path", { class: "masks-floor", d: `M0 ${floor}H${across}` });

  return (x, y, held) => {
    const [kind, index, coin] = held.split(" ");
    return { mask: kind === "coin" ? index ^ (2 >> coin) : +index };
  };
}

const FIGURE = {
  title: "Four masks, four networks, one average",
  invite: "Click a coin (a blue input) to drop or keep it, or press Play to draw masks at random.",
  controls: CONTROLS,
  presets: {
    "Fair coins": { keep: 0.5, w1: 2, w2: 1 },
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
