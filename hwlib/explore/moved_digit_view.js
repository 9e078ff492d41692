// A moved digit as it is drawn: the image, its output, the first output moved, their difference.

const CONTROLS = {
  layer: ["layer", { type: "select", options: {
    convolution: "convolution", padded: "convolution, zero padding", "stride 2": "convolution, stride 2",
    pooled: "convolution, 2 × 2 max pooling", dense: "fully connected, random",
  } }],
  image: ["image", { type: "select", options: { digit: "a digit", scene: "the table’s random scene" } }],
  right: ["right", { type: "range", min: -ROOM, max: ROOM }],
  down: ["down", { type: "range", min: -ROOM, max: ROOM }],
};
const PANEL = 220; // the side of an image, in units of the viewBox
const PLACES = [[2, 22], [238, 22], [2, 272], [238, 272]];
const NOTHING = [138, 138, 138, 70]; // what there is nothing to compare with

function draw(state, scenes, { svg, line, notes, inputs }) {
  const { right, down, layer: kind } = state;
  const { pixels, weight, blank } = scenes[state.image];
  const moved = view(pixels, right, down);
  const [first, own] = [view(pixels, 0, 0), moved].map((image) => output(kind, image, weight));
  const found = match(first, own, right, down, blank);
  const there = shifted(first, found.right, found.down);
  const words = spell(state, found, blank);
  say(inputs.right, typeset(right));
  say(inputs.down, typeset(down));
  line.textContent = words.line;
  notes.textContent = words.notes.join("\n");
  svg.setAttribute("aria-label", `An image of ${SIDE} by ${SIDE} pixels after it moved, its output, the first ` +
    `output moved, and their difference. ${words.line} ${words.notes.join(" ")}`);

  svg.setAttribute("viewBox", "0 0 460 496");
  svg.setAttribute("width", 500);
  const unit = PANEL / SIDE;
  const most = [...first.values, ...own.values].reduce((a, v) => Math.max(a, Math.abs(v) / 2), 0) || 1;
  const inSigns = signs(most);
  const colours = (v) => (Number.isNaN(v) ? NOTHING : inSigns(v));
  const difference = { ...own, values: own.values.map((v, i) => v - there.values[i]) };
  const low = blank ? 0 : -9; // the scene's numbers are from -9 to 9
  const panels = [
    ["moved image", moved, (v) => grays(blank ? 16 : 18)(v - low)],
    ["A: move, then layer", own, colours],
    ["B: layer, then move", there, colours],
    ["A − B", difference, colours],
  ];
  const frames = layer(svg, "g", "explore-cells");
  frames.replaceChildren();
  panels.forEach(([name, image, palette], i) => {
    const [x, y] = PLACES[i];
    const step = unit * (image.width < SIDE / 2 ? 2 : 1); // an output stands where its window's middle is
    const inset = (PANEL - step * image.width) / 2;
    raster(svg, `moved-${i}`, image, palette, { x: x + inset, y: y + inset, unit: step });
    add(frames, "text", { class: "title", x, y: y - 10 }, name);
    add(frames, "rect", { class: "kernel-frame", x: x + inset, y: y + inset, width: step * image.width, height: step * image.width });
  });
  const gone = difference.values.every((v) => !v); // NaN too
  const step = PANEL / (own.width < SIDE / 2 ? SIDE / 2 : SIDE);
  const middle = (start, by) => start + (PANEL + step * by) / 2; // of what there is to compare
  if (gone) add(frames, "text", { x: middle(PLACES[3][0], found.right), y: middle(PLACES[3][1], found.down), "font-size": 15 }, "0 everywhere");
  const clip = add(frames, "clipPath", { id: `explore-${Math.random()}` });
  add(clip, "rect", { x: PLACES[0][0], y: PLACES[0][1], width: PANEL, height: PANEL });
  const square = (name, dx, dy) => {
    const rect = layer(svg, "rect", name);
    const [x, y] = PLACES[0];
    for (const [key, v] of Object.entries({ x: x + (7 + dx) * unit, y: y + (7 + dy) * unit, width: 10 * unit, height: 10 * unit }))
      rect.setAttribute(key, v); // a pixel of ground around the digit
    rect.setAttribute("clip-path", `url(#${clip.id})`);
    return rect;
  };
  square("moved-from", 0, 0);
  square("moved-to", right, down).dataset.grip = "digit";

  return (x, y) => {
    const to = (v, start) => Math.max(-ROOM, Math.min(ROOM, Math.round((v - start) / unit) - SIDE / 2));
    return { right: to(x, PLACES[0][0]), down: to(y, PLACES[0][1]) };
  };
}

function render({ model, el }) {
  const scenes = Object.fromEntries(Object.entries(model.get("scenes")).map(([name, scene]) =>
    [name, { ...scene, pixels: new Int8Array(bytes(scene.pixels).buffer) }]));
  explore({ model, el }, {
    title: "Does the output move along?",
    invite: "Drag the digit, or press Play. Then choose another layer.",
    controls: CONTROLS,
    presets: {
      "Stride 2: by 1": { layer: "stride 2", right: 1, down: 0 },
      "Stride 2: by 2": { layer: "stride 2", right: 2, down: 0 },
      "Padding: at the edge": { layer: "padded", right: 10, down: 0 },
      "Fully connected": { layer: "dense", right: 1, down: 0 },
    },
    play: {
      first: () => ({ right: -ROOM, down: 0 }),
      next: ({ right }) => (right < ROOM ? { right: right + 1 } : null),
      every: 600,
    },
    draw: (state, parts) => draw(state, scenes, parts),
  });
}

export default { render };
