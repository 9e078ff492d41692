// How transposed convolution is drawn: stamps like the rows of a sum by hand, and how many meet where.

const CONTROLS = {
  stride: range("stride s", 1, 4),
  padding: range("padding p", 0, 3),
  entry: range("stamp of", 0, 0),
  at: range("output", 0, 0),
  total: ["sum of", { type: "select", options: { all: "all stamps", "so far": "the stamps so far" } }],
  x: ["input x", { type: "text" }],
  weight: ["filter w", { type: "text" }],
};
const C = 40; // the side of a cell, in units of the viewBox
const box = (x, y, w = 1, h = 1) => `M${x * C} ${y * C}h${w * C}v${h * C}h${-w * C}z`;
const within = (v, size) => Math.max(0, Math.min(size - 1, Math.floor(v)));

function draw(state, { svg, line, notes, inputs, mark }) {
  const most = limit(state); // of padding, so that something is left
  state.padding = Math.min(state.padding, most);
  const result = scatter(state);
  const { flat, image, filter, rows, cols, above, look } = result;
  const { stride: s, padding: p } = state;
  inputs.padding.max = Math.min(most, Math.max(3, p));
  say(inputs.padding, `${p}`);
  const { m: n, k } = cols;
  const sizes = { entry: rows.m * n, at: rows.size * cols.size };
  for (const name in sizes) {
    state[name] = within(state[name], sizes[name]);
    inputs[name].max = sizes[name] - 1;
  }
  const last = state.total === "all" ? sizes.entry - 1 : state.entry;
  const split = (v, n) => [Math.floor(v / n), v % n];
  const [[i, j], [o, q]] = [split(state.entry, n), split(state.at, cols.size)];
  const words = spell(state, result, o, q, i, j);
  say(inputs.entry, words.x);
  say(inputs.at, words.z);
  mark(flat ? "1-D" : "2-D");
  line.textContent = words.line;
  notes.textContent = words.notes.join("\n");
  const output = grid(rows.size, cols.size, (o, q) => look(o, q, last).sum);
  svg.setAttribute("aria-label", `${words.line}. ${words.notes[0]} ` +
    `The ${state.total === "all" ? "whole output" : "sum so far"}: ${said(output)}.`);

  // Lengths in cells. A signal's stamps stand one below the other; of an image's one is seen.
  const beside = !flat && matchMedia("(min-width: 40rem)").matches;
  const half = flat ? 1.6 + cols.full : Math.max(cols.full, n + 1 + k);
  const width = beside ? half + 1 + cols.full : half;
  const side = flat ? 1.6 : (half - cols.full) / 2; // left of the sum
  const left = flat ? 0 : (half - n - 1 - k) / 2; // of the input
  const first = flat ? 1.3 : 0.7; // above the input
  const top = first + (flat ? n + 0.4 : Math.max(rows.m, rows.k) + 1.2); // above the sum
  const [cx, cy] = beside ? [half + 1, top] : [side, top + rows.full + (flat ? 0.25 : 1)]; // of the counts
  svg.setAttribute("viewBox", `-2 -2 ${width * C + 4} ${(cy + rows.full) * C + 4}`);
  svg.setAttribute("width", 50 * width); // px at most: the css shrinks it to fit
  layer(svg, "path", "explore-link"); // below the cells
  const cells = layer(svg, "g", "explore-cells");
  cells.replaceChildren();
  const cell = (x, y, attributes, value, below) => {
    const g = add(cells, "g", { ...attributes, transform: `translate(${x * C} ${y * C})` });
    const write = (y, size, text) =>
      add(g, "text", { x: 20, y, "font-size": Math.min(size, 66 / text.length) }, text);
    const rect = add(g, "rect", { width: C, height: C });
    write(below ? 14 : 20, 17, typeset(value));
    if (below) write(30, 14.5, below);
    return rect;
  };
  const title = (x, y, text) => add(cells, "text", { x: x * C, y: y * C, class: "title" }, text);
  const from = (terms, a, b) => terms.find(({ i, j }) => i === a && j === b);
  const name = (trait, a, b) => ({ "data-cell": flat ? `${trait} ${b}` : `${trait} ${a} ${b}` });
  const { terms } = look(o, q, last);
  image.forEach((row, a) => row.forEach((v, b) => {
    const tap = from(terms, a, b);
    const [x, y] = flat ? [0, first + b] : [left + b, first + a];
    const waits = a * n + b > last ? "waits" : "";
    cell(x, y, { class: `input ${tap ? "tap" : ""} ${waits}`, "data-spot": "entry", ...name("x", a, b) }, v,
      flat ? "·w" : tap && `×${typeset(tap.w)}`);
    if (flat) filter[0].forEach((w, t) => cell(side + s * b + t, y,
      { class: `stamp ${!waits && s * b + t === q + p ? "tap" : ""} ${waits}`, "data-spot": "entry" }, v * w));
  }));
  const over = flat ? [side + s * j, 0] : [left + n + 1, first]; // the filter's corner
  filter.forEach((row, a) => row.forEach((w, b) =>
    cell(over[0] + b, over[1] + a, { class: "filter", ...name("weight", a, b) }, w)));
  for (let a = -above; a < rows.full - above; a++)
    for (let b = -p; b < cols.full - p; b++) {
      const kept = output[a]?.[b] !== undefined;
      const kind = kept ? "output" : "output padded";
      const { terms, sum } = look(a, b, last);
      const here = !flat && from(terms, i, j);
      const part = here && typeset(here.x * here.w);
      cell(side + b + p, top + a + above,
        { class: here ? `${kind} stamped` : kind, ...(kept && { "data-spot": "output" }) }, sum,
        part && part.replace(/^(?!−)/, "+"));
      cell(cx + b + p, cy + a + above, { class: kept ? "count" : "count padded" }, terms.length)
        .style.fillOpacity = Math.min(0.18 * terms.length, 0.6);
    }
  if (flat) add(cells, "path", { d: `M0 ${(top - 0.2) * C}H${width * C}` });
  else title(left, 0.35, "input x");
  title(flat ? 0 : over[0], flat ? 0.5 : 0.35, "filter w");
  title(flat ? 0 : side, top + (flat ? 0.5 : -0.35), state.total === "all" ? "sum z" : "so far");
  title(flat ? 0 : cx, cy + (flat ? 0.5 : -0.35), flat ? "stamps" : "how many stamps");

  const [ex, ey] = flat ? [0, first + j] : [left + j, first + i];
  const corner = (i, j) => [side + s * j, flat ? first + j : top + s * i]; // of a stamp
  const [wx, wy] = corner(i, j);
  const [tx, ty] = [side + q + p, top + o + above];
  const outline = (name, d) => {
    const path = layer(svg, "path", name);
    path.setAttribute("d", d);
    return path;
  };
  outline("explore-window", box(ex, ey)).dataset.grip = "entry";
  outline("stamp-window", box(wx, wy, k, rows.k)).dataset.grip = "stamp";
  outline("explore-target", box(tx, ty)).dataset.grip = "output";
  outline("explore-link", flat ? box(tx, first, 1, top - first) // what adds up
    : `M${ex * C} ${(ey + 1) * C}h${C}L${(wx + k) * C} ${wy * C}h${-k * C}z`);

  return (x, y, held) => {
    const [across, down] = [x / C, y / C];
    const column = within(across - side - p, cols.size);
    if (held === "output") return { at: within(down - top - above, rows.size) * cols.size + column };
    if (held === "stamp") {
      const far = (e) => {
        const [a, b] = corner(...split(e, n));
        return Math.hypot(a + k / 2 - across, b + rows.k / 2 - down);
      };
      return { entry: [...Array(sizes.entry).keys()].reduce((best, e) => (far(e) < far(best) ? e : best)) };
    }
    if (!flat) return { entry: within(down - first, rows.m) * n + within(across - left, n) };
    return { entry: within(down - first, n), ...(across > side && { at: column }) };
  };
}

const ones = (n) => grid(n, n, () => 1);
const FIGURE = {
  title: "Transposed convolution, stamp by stamp",
  invite: "Press Play, or drag the orange stamp and the green output. Click a number to change it.",
  controls: CONTROLS,
  presets: {
    "Stride 4 leaves gaps": { stride: 4, padding: 0, total: "all", entry: 1, at: 3 },
    "Padding cuts the ends": { stride: 2, padding: 1, total: "all", entry: 1, at: 1 },
    "Uneven overlap: checkerboard": { x: ones(3), weight: ones(3), stride: 2, padding: 0, total: "all", entry: 4, at: 16 },
  },
  play: {
    first: () => ({ entry: 0, total: "so far" }),
    next: ({ entry, x, total }) => {
      if (total === "all") return null; // nothing is missing
      return entry < x.flat().length - 1 ? { entry: entry + 1 } : null;
    },
    every: 1200,
  },
  draw,
};

export default { render: (context) => editable(explore(context, FIGURE)) };
