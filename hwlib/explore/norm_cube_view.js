// How a block and its sets are drawn: whole, once for each norm, and cut into its samples.

const NORMS = { batch: "batch norm", layer: "layer norm", instance: "instance norm", group: "group norm" };
const index = (end) => ({ type: "range", min: 0, max: end });
const CONTROLS = {
  norm: ["norm", { type: "select", options: NORMS }],
  groups: ["groups", { type: "select", options: { 1: "1", 2: "2", 4: "4" } }],
  sample: ["sample n", index(2)],
  channel: ["channel c", index(3)],
  place: ["position hw", index(3)],
};
const [A, LEFT, GAP] = [26, 28, 8]; // side of a cell cut open, left edge, gap between samples
const box = (x, y, w, h) => `M${x} ${y}h${w}v${h}h${-w}z`;

/**
 * Draw a block of N samples, C channels and P positions from above on the right: cells of this side, the
 * samples a little apart. A face is a spot "face n c p", or `spot` if that is given. The edges of the
 * chosen set are drawn through the block, so that it is seen where it is hidden.
 */
function block(parent, [N, C, P], { has, samples, channels }, { side, apart, left, top, spot }) {
  const deep = (n) => n * (1 + apart); // the front of sample n; a depth of 1 is 0.5 cells right and 0.4 up
  const corner = ([z, c, p]) => [left + (c + 0.5 * z) * side, top + (p - 0.4 * z) * side];
  const shape = (corners) => `M${corners.map((at) => corner(at).map((v) => v.toFixed(1)).join(" ")).join("L")}z`;
  const face = (n, c, p, kind, ...corners) => add(parent, "path", {
    d: shape(corners), class: `norm-face ${kind}${has(n, c) ? " tap" : ""}`, "data-spot": spot ?? `face ${n} ${c} ${p}`,
  });
  for (let n = N - 1; n >= 0; n--) { // from the back
    const [z, y] = [deep(n), deep(n) + 1];
    for (let c = 0; c < C; c++) face(n, c, 0, "top", [z, c, 0], [z, c + 1, 0], [y, c + 1, 0], [y, c, 0]);
    for (let p = 0; p < P; p++) face(n, C - 1, p, "side", [z, C, p], [y, C, p], [y, C, p + 1], [z, C, p + 1]);
    for (let c = 0; c < C; c++)
      for (let p = 0; p < P; p++) face(n, c, p, "front", [z, c, p], [z, c + 1, p], [z, c + 1, p + 1], [z, c, p + 1]);
  }
  const [[n, end], [c, stop]] = [samples, channels];
  let edges = "";
  for (let k = n; k < end; k++) {
    const [z, y] = [deep(k), deep(k) + 1];
    for (const q of [z, y]) edges += shape([[q, c, 0], [q, stop, 0], [q, stop, P], [q, c, P]]);
    for (const [u, v] of [[c, 0], [stop, 0], [c, P], [stop, P]]) edges += shape([[z, u, v], [y, u, v]]);
  }
  add(parent, "path", { class: "norm-edges", d: edges });
}

function draw(x, state, { svg, line, notes, inputs }) {
  state.groups = +state.groups; // what a select says is a word
  const sizes = [x.length, x[0].length, x[0][0].length];
  const [N, C, P] = sizes;
  const found = share(x, state);
  const words = spell(x, state);
  inputs.groups.disabled = state.norm !== "group";
  line.textContent = words.line;
  notes.textContent = words.notes;
  svg.setAttribute("aria-label", `A block of ${N} samples, ${C} channels and ${P} positions, whole and ` +
    `cut into its samples. ${NORMS[state.norm]} of the entry in sample ${state.sample}, channel ` +
    `${state.channel}, position ${state.place}: ${words.line} ${words.notes}`);

  const sheet = C * A + GAP; // from one sample to the next
  const width = LEFT + N * sheet - GAP + 3;
  const cells = layer(svg, "g", "explore-cells");
  cells.replaceChildren();
  const label = (x, y, text, anchor = "middle", size = 15) =>
    add(cells, "text", { x, y, "font-size": size, style: `text-anchor: ${anchor}` }, text);

  // The block, with the set of the chosen norm; and small ones, with those of all four.
  const [side, front, top] = [25, LEFT + 4, 60];
  const whole = layer(svg, "g", "norm-block");
  whole.replaceChildren();
  block(whole, sizes, found, { side, apart: 0.6, left: front, top });
  label(front - 6, top + (P * side) / 2, "HW", "end");
  label(front + (C * side) / 2, top + P * side + 12, "C");
  label(front + (C + 1.15) * side + 6, top + (P - 0.4) * side, "N", "start");
  Object.keys(NORMS).forEach((norm, k) => {
    const [small, left, up] = [9, width - 150 + (k % 2) * 82, 28 + (k > 1 ? 86 : 0)];
    const chosen = norm === state.norm ? " chosen" : "";
    const g = layer(svg, "g", `norm-small-${norm}`);
    g.replaceChildren();
    add(g, "rect", { x: left - 12, y: up - 26, width: 78, height: 82, rx: 4, class: `norm-choice${chosen}`, "data-spot": norm });
    block(g, sizes, share(x, { ...state, norm }), { side: small, apart: 0.2, left, top: up, spot: norm });
    add(g, "text", { x: left + 27, y: up + 50, class: "norm-label" }, norm);
  });
  const under = top + P * side + 50; // top of the sheets
  svg.setAttribute("viewBox", `0 0 ${width} ${under + P * A + 22}`);
  svg.setAttribute("width", 1.35 * width); // px at most: the css shrinks it to fit

  // The samples side by side, every entry seen; thick lines part the sets.
  let [borders, chosen] = ["", ""];
  const at = (n, c, p) => [LEFT + n * sheet + c * A, under + p * A];
  x.forEach((rows, n) => {
    label(at(n, C / 2, 0)[0], under - 12, `sample ${n}`);
    rows.forEach((row, c) => {
      if (c % found.width === 0) borders += box(...at(n, c, 0), found.width * A, P * A);
      label(at(n, c + 0.5, P)[0], under + P * A + 12, c);
      row.forEach((value, p) => {
        const [left, top] = at(n, c, p);
        const g = add(cells, "g", { class: `norm-entry${found.has(n, c) ? " tap" : ""}`, "data-spot": `face ${n} ${c} ${p}` });
        add(g, "rect", { x: left, y: top, width: A, height: A });
        add(g, "text", { x: left + A / 2, y: top + A / 2, "font-size": 15 }, typeset(value));
      });
    });
    if (found.has(n, found.channels[0]))
      chosen += box(...at(n, found.channels[0], 0), found.width * A, P * A);
  });
  for (let p = 0; p < P; p++) label(LEFT - 6, under + (p + 0.5) * A, p, "end");
  label(LEFT - 6, under - 12, "hw", "end");
  label(LEFT - 6, under + P * A + 12, "c", "end");
  layer(svg, "path", "norm-borders").setAttribute("d", borders);
  layer(svg, "path", "norm-set").setAttribute("d", chosen);
  const ring = layer(svg, "circle", "norm-ring");
  const [cx, cy] = at(state.sample, state.channel + 0.5, state.place + 0.5);
  for (const [name, value] of Object.entries({ cx, cy, r: A / 2 - 2 })) ring.setAttribute(name, value);
  ring.dataset.grip = "ring";

  const clamp = (v, end) => Math.max(0, Math.min(end - 1, Math.floor(v)));
  return (px, py, held) => {
    if (NORMS[held]) return { norm: held };
    if (held !== "ring") {
      const [, sample, channel, place] = held.split(" ").map(Number);
      return { sample, channel, place };
    }
    const sample = clamp((px - LEFT + GAP / 2) / sheet, N);
    return { sample, channel: clamp((px - at(sample, 0, 0)[0]) / A, C), place: clamp((py - under) / A, P) };
  };
}

const NAMES = Object.entries(NORMS).map(([norm, name]) => [name[0].toUpperCase() + name.slice(1), { norm }]);
const FIGURE = {
  title: "Which entries share one mean",
  invite: "Press a small block to choose its norm, then a cell of the large one, or drag the ring.",
  controls: CONTROLS,
  presets: Object.fromEntries(NAMES),
};

export default {
  render: (context) => explore(context, {
    ...FIGURE, draw: (state, parts) => draw(context.model.get("values"), state, parts),
  }),
};
