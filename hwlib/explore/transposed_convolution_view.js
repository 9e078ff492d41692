// How transposed convolution is drawn.

const range = (label, min, max) => [label, { type: "range", min, max }];
const CONTROLS = {
  x: ["input x", { type: "text" }],
  weight: ["filter w", { type: "text" }],
  stride: range("stride s", 1, 4),
  padding: range("padding p", 0, 3),
  entry: range("stamp of", 0, 0),
  at: range("output", 0, 0),
};
const C = 40; // the side of a cell, in units of the viewBox
const factor = (v) => (v < 0 ? `(${typeset(v)})` : typeset(v));
const said = (rows) => rows.map((row) => row.map(typeset).join(", ")).join("; ");
const box = (x, y, w = 1, h = 1) => `M${x * C} ${y * C}h${w * C}v${h * C}h${-w * C}z`;
const within = (v, size) => Math.max(0, Math.min(size - 1, Math.floor(v)));

/** What adds up at (o, q), in one line; the stamp of entry (i, j), and the sizes, in others. */
export function spell({ stride: s, padding: p }, result, o, q, i, j) {
  const { flat, image, filter, rows, cols, above } = result;
  const name = (letter, a, b) => `${letter}[${said([flat ? [b] : [a, b]])}]`;
  const [x, z] = [name("x", i, j), name("z", o, q)];
  const { terms, sum } = result.look(o, q);
  const products = terms.map(({ x, w }) => `${factor(x)}·${factor(w)}`).join(" + ");
  const line = terms.length ? `${z} = ${products} = ${typeset(sum)}` : `${z} = 0: no stamp reaches it`;
  const v = image[i][j];
  const stamp = said(filter.map((row) => row.map((w) => v * w)));
  const corner = name("z", s * i - above, s * j - p);
  const notes = [`The stamp of ${x} is ${factor(v)}·w = (${stamp}), starting at ${corner}.`];
  const count = ({ m, k, size }) => `${s}·(${m} − 1) + ${k} − 2·${p} = ${size}`;
  if (!flat) notes.push(`rows = ${count(rows)}`);
  notes.push(`${flat ? "size" : "columns"} = ${count(cols)}`);
  if (p) notes.push("Dashed: cut off by padding.");
  return { x, z, line, notes };
}

function draw(state, { svg, line, notes, inputs, mark }) {
  const result = scatter(state);
  const { flat, image, filter, rows, cols, above, look, output } = result;
  const { stride: s, padding: p } = state;
  const { m: n, k } = cols;
  const sizes = { entry: rows.m * n, at: rows.size * cols.size };
  for (const name in sizes) {
    state[name] = within(state[name], sizes[name]);
    inputs[name].max = sizes[name] - 1;
  }
  const split = (v, n) => [Math.floor(v / n), v % n];
  const [[i, j], [o, q]] = [split(state.entry, n), split(state.at, cols.size)];
  const words = spell(state, result, o, q, i, j);
  say(inputs.entry, words.x);
  say(inputs.at, words.z);
  mark(flat ? "1-D" : "2-D");
  line.textContent = words.line;
  notes.textContent = words.notes.join("\n");
  svg.setAttribute("aria-label", `${words.line}. ${words.notes[0]} The whole output: ${said(output)}.`);

  // Lengths in cells. A signal's stamps stand one below the other; of an image's one is seen.
  const width = flat ? 1.6 + cols.full : Math.max(cols.full, n + 1 + k);
  const side = flat ? 1.6 : (width - cols.full) / 2; // left of the sum
  const left = flat ? 0 : (width - n - 1 - k) / 2; // of the input
  const first = flat ? 1.3 : 0.7; // above the input
  const top = first + (flat ? n + 0.4 : Math.max(rows.m, rows.k) + 1.2); // above the sum
  svg.dataset.spot = "";
  svg.setAttribute("viewBox", `-2 -2 ${width * C + 4} ${(top + rows.full) * C + 4}`);
  svg.setAttribute("width", 50 * width); // px at most: the css shrinks it to fit
  layer(svg, "path", "explore-link"); // below the cells
  const cells = layer(svg, "g", "explore-cells");
  cells.replaceChildren();
  const cell = (x, y, kind, value, below) => {
    const g = add(cells, "g", { class: kind, transform: `translate(${x * C} ${y * C})` });
    const write = (y, size, text) =>
      add(g, "text", { x: 20, y, "font-size": Math.min(size, 66 / text.length) }, text);
    add(g, "rect", { width: C, height: C });
    write(below ? 14 : 20, 17, typeset(value));
    if (below) write(30, 14.5, below);
  };
  const title = (x, y, text) => add(cells, "text", { x: x * C, y: y * C, class: "title" }, text);
  const from = (terms, a, b) => terms.find(({ i, j }) => i === a && j === b);
  const { terms } = look(o, q);
  image.forEach((row, a) => row.forEach((v, b) => {
    const tap = from(terms, a, b);
    const [x, y] = flat ? [0, first + b] : [left + b, first + a];
    cell(x, y, tap ? "input tap" : "input", v, flat ? "·w" : tap && `×${typeset(tap.w)}`);
    if (flat) filter[0].forEach((w, t) =>
      cell(side + s * b + t, y, s * b + t === q + p ? "stamp tap" : "stamp", v * w));
  }));
  const over = flat ? [side + s * j, 0] : [left + n + 1, first]; // the filter's corner
  filter.forEach((row, a) => row.forEach((w, b) => cell(over[0] + b, over[1] + a, "filter", w)));
  for (let a = -above; a < rows.full - above; a++)
    for (let b = -p; b < cols.full - p; b++) {
      const kind = output[a]?.[b] === undefined ? "output padded" : "output";
      const { terms, sum } = look(a, b);
      const here = !flat && from(terms, i, j);
      const part = here && typeset(here.x * here.w);
      cell(side + b + p, top + a + above, here ? `${kind} stamped` : kind, sum,
        part && part.replace(/^(?!−)/, "+"));
    }
  if (flat) add(cells, "path", { d: `M0 ${(top - 0.2) * C}H${width * C}` });
  else title(left, 0.35, "input x");
  title(flat ? 0 : over[0], flat ? 0.5 : 0.35, "filter w");
  title(flat ? 0 : side, top + (flat ? 0.5 : -0.35), "sum z");

  const [ex, ey] = flat ? [0, first + j] : [left + j, first + i];
  const [wx, wy] = [side + s * j, flat ? ey : top + s * i];
  const [tx, ty] = [side + q + p, top + o + above];
  const outline = (name, d) => layer(svg, "path", name).setAttribute("d", d);
  outline("explore-window", box(ex, ey));
  outline("stamp-window", box(wx, wy, k, rows.k));
  outline("explore-target", box(tx, ty));
  outline("explore-link", flat ? box(tx, first, 1, top - first) // what adds up
    : `M${ex * C} ${(ey + 1) * C}h${C}L${(wx + k) * C} ${wy * C}h${-k * C}z`);

  return (x, y) => {
    const [across, down] = [x / C, y / C];
    const column = within(across - side - p, cols.size);
    if (down > top - 0.3) return { at: within(down - top - above, rows.size) * cols.size + column };
    if (!flat) return { entry: within(down - first, rows.m) * n + within(across - left, n) };
    return { entry: within(down - first, n), ...(across > side && { at: column }) };
  };
}

const FIGURE = { title: "Transposed convolution", invite: "", controls: CONTROLS, draw };

export default { render: (context) => explore(context, FIGURE) };
