// Transposed convolution: stamps, how they add up, and how many of them meet where.

const CONTROLS = {
  stride: range("stride s", 1, 4),
  padding: range("padding p", 0, 3),
  entry: ["stamp of", { type: "range", min: 0, max: 0, more: true }],
  at: ["output", { type: "range", min: 0, max: 0, more: true }],
  total: ["sum of", { type: "select", options: { all: "all stamps", "so far": "the stamps so far" }, more: true }],
  x: ["input x", { type: "text", more: true }],
  weight: ["filter w", { type: "text", more: true }],
};
const split = (v, n) => [Math.floor(v / n), v % n];
const meeting = (count) => [0, 0.14, 0.34, 0.44][count] ?? 0.54; // the shade of an output

/** Of entry `entry`'s stamp the output that is closest to output `at`. */
function touched({ stride: s, padding: p, at }, { rows, cols, above }, entry) {
  const close = (v, first, { k, size }) => within(Math.max(first, Math.min(first + k - 1, v)), size);
  const [i, j] = split(entry, cols.m);
  const [o, q] = split(at, cols.size);
  return close(o, s * i - above, rows) * cols.size + close(q, s * j - p, cols);
}

function draw(state, { svg, line, notes, inputs, mark }) {
  const most = limit(state); // of padding, so that something is left
  state.padding = Math.min(state.padding, most);
  const result = scatter(state);
  const { flat, rows, cols, look } = result;
  const n = cols.m;
  inputs.padding.max = Math.min(most, Math.max(3, state.padding));
  say(inputs.padding, `${state.padding}`);
  const sizes = { entry: rows.m * n, at: rows.size * cols.size };
  for (const name in sizes) {
    state[name] = within(state[name], sizes[name]);
    inputs[name].max = sizes[name] - 1;
  }
  const last = state.total === "all" ? sizes.entry - 1 : state.entry;
  const [[i, j], [o, q]] = [split(state.entry, n), split(state.at, cols.size)];
  const words = spell(state, result, o, q, i, j);
  say(inputs.entry, words.x);
  say(inputs.at, words.z);
  mark(flat ? "1-D" : "2-D");
  colored(line, words.line);
  notes.textContent = words.notes.join("\n");
  const output = grid(rows.size, cols.size, (o, q) => look(o, q, last).sum);
  svg.setAttribute("aria-label", `${words.line}. ${words.stamp} ` +
    `The ${state.total === "all" ? "whole output" : "sum so far"}: ${said(output)}.`);

  const link = layer(svg, "path", "explore-link"); // below the cells
  link.classList.toggle("stamped", !flat);
  const chosen = { i, j, o, q, last, name: words.x };
  const { view, input, sum, corner, link: d, entry, target } =
    (flat ? stackSignal : stackImage)(state, result, chosen, grids(svg), wide());
  show(svg, view, 54);
  link.setAttribute("d", d);
  outline(svg, "explore-window", box(...entry), "entry");
  outline(svg, "stamp-window", box(...corner(state.entry), cols.k, rows.k), "stamp");
  outline(svg, "explore-target", box(...target), "output");

  const stamp = (entry, at = state.at) => ({ entry, at: touched({ ...state, at }, result, entry) });
  return (x, y, held) => {
    const [across, down] = [x / C, y / C];
    const place = ([left, top], rows, columns) =>
      within(Math.floor(down - top), rows) * columns + within(Math.floor(across - left), columns);
    if (held === "output") return { at: place(sum, rows.size, cols.size) };
    if (held === "stamp") {
      const far = (e) => {
        const [a, b] = corner(e);
        return Math.hypot(a + cols.k / 2 - across, b + rows.k / 2 - down);
      };
      return stamp([...Array(sizes.entry).keys()].reduce((best, e) => (far(e) < far(best) ? e : best)));
    }
    if (!flat) return stamp(place(input, rows.m, n));
    return stamp(within(Math.floor(down), n), across > 0 ? place(sum, 1, cols.size) : state.at);
  };
}

const ones = (n) => grid(n, n, () => 1);
const FIGURE = {
  title: "Transposed convolution, stamp by stamp",
  invite: "Press Play: each input adds its stamp. Drag the green output, or click a number to change it.",
  controls: CONTROLS,
  presets: {
    "Stride 4 leaves gaps": { stride: 4, padding: 0, total: "all", entry: 1, at: 3 },
    "Padding cuts the ends": { stride: 2, padding: 1, total: "all", entry: 1, at: 1 },
    "Uneven overlap: checkerboard": { x: ones(3), weight: ones(3), stride: 2, padding: 0, total: "all", entry: 4, at: 16 },
  },
  play: {
    first: (state) => ({ entry: 0, at: touched(state, scatter(state), 0), total: "so far" }),
    next(state) {
      const entry = state.entry + 1;
      if (state.total === "all" || entry === state.x.flat().length) return null; // nothing is missing
      return { entry, at: touched(state, scatter(state), entry) };
    },
    every: 1500,
  },
  draw,
};

export default { render: (context) => editable(explore(context, FIGURE)) };
