// Convolution: drag the window, edit the numbers, see the products and their sum.

const CONTROLS = {
  stride: range("stride s", 1, 4),
  padding: range("padding p", 0, 3),
  dilation: range("dilation d", 1, 3),
  at: ["output", { type: "range", min: 0, max: 0, more: true }],
  x: ["input x", { type: "text", more: true }],
  weight: ["filter w", { type: "text", more: true }],
};

function draw(state, { svg, line, notes, inputs, mark, compact }) {
  const result = convolve(state);
  const { flat, rows, columns, output } = result;
  state.at = within(state.at, rows.length * columns.length);
  const [o, q] = [Math.floor(state.at / columns.length), state.at % columns.length];
  const words = spell(state, result, o, q);
  inputs.at.max = rows.length * columns.length - 1;
  say(inputs.at, words.y);
  mark(flat ? "1-D" : "2-D");
  colored(line, words.line);
  notes.textContent = words.notes.join("\n");
  svg.setAttribute("aria-label", `A window of the input gives ${words.line}. ` +
    `The whole output: ${unparse(flat ? output[0] : output)}. ${words.notes.at(-1)}`);

  const [link, under] = ["explore-link", "explore-ground"].map((name) => layer(svg, "path", name)); // below the cells
  const { view, window: frame, target, link: d, ground = "", taps = "", first, start } = (flat ? drawSignal : drawImage)(state, result, [o, q], grids(svg, compact ? 18.6 : 17), compact);
  show(svg, view, 56);
  link.setAttribute("d", d);
  under.setAttribute("d", ground);
  outline(svg, "explore-taps", taps);
  outline(svg, "explore-window", box(...frame), "window");
  outline(svg, "explore-target", box(...target), "output");

  return (x, y, held) => { // the middles of windows, and of a signal's outputs, are a stride apart
    const nearest = (axis, v, k) => within(Math.round(
      start && held === "output" ? v / C - start[k] - 0.5 : (v / C - first[k] - 0.5) / state.stride), axis.length);
    return { at: nearest(rows, y, 0) * columns.length + nearest(columns, x, 1) };
  };
}

/** What the buttons set: each one setting. */
function lessons({ weight }) {
  const three = [weight, weight[0]].every(({ length = 3 }) => length === 3);
  const plain = { stride: 1, padding: 0, dilation: 1, at: 0 };
  return {
    "Every window": plain,
    [three ? "Padding 1 keeps size" : "Padding 1 adds edges"]: { ...plain, padding: 1 },
    "Stride 2 skips": { ...plain, stride: 2 },
    "Dilation 2: gaps": { ...plain, dilation: 2 },
  };
}

const FIGURE = {
  title: "Convolution, window by window",
  invite: "Press Play, or drag the blue window. Click a number to change it.",
  controls: CONTROLS,
  presets: lessons,
  play: {
    first: () => ({ at: 0 }),
    next: ({ at, ...state }) => (at < convolve(state).output.flat().length - 1 ? { at: at + 1 } : null),
    every: 700,
  },
  draw,
};

export default { render: (context) => editable(explore(context, FIGURE)) };
