// A moved digit as it is drawn: moved, then through the layer; through the layer, then moved.

const CONTROLS = {
  layer: ["layer", { type: "select", options: {
    convolution: "convolution", padded: "convolution, zero padding", "stride 2": "convolution, stride 2",
    pooled: "convolution, 2 × 2 max pooling", dense: "fully connected, random",
  } }],
  image: ["image", { type: "select", more: true, options: { digit: "a digit", scene: "the table’s random scene" } }],
  right: ["right", { type: "range", min: -ROOM, max: ROOM, more: true }],
  down: ["down", { type: "range", min: -ROOM, max: ROOM, more: true }],
};
const NOTHING = [138, 138, 138, 70]; // what there is nothing to compare with

function draw(state, scenes, { svg, line, notes, inputs }) {
  const { right, down, layer: kind } = state;
  const { pixels, weight, blank } = scenes[state.image];
  const images = [view(pixels, 0, 0), view(pixels, right, down)];
  const [first, own] = images.map((image) => output(kind, image, weight));
  const found = match(first, own, right, down, blank);
  const there = shifted(first, found.right, found.down);
  const words = spell(state, found, blank);
  say(inputs.right, typeset(right));
  say(inputs.down, typeset(down));
  line.textContent = words.line;
  notes.textContent = words.notes.join("\n");
  svg.setAttribute("aria-label", `An image of ${SIDE} by ${SIDE} pixels; A: moved, then through the layer; ` +
    `B: through the layer, then moved; and their difference. ${words.line} ${words.notes.join(" ")}`);

  const at = layout();
  const { side } = at;
  svg.setAttribute("viewBox", `-2 0 ${at.width + 4} ${at.height}`);
  svg.setAttribute("width", at.width + 4);
  const most = [...first.values, ...own.values].reduce((a, v) => Math.max(a, Math.abs(v) / 2), 0) || 1;
  const inSigns = signs(most);
  const colours = (v) => (Number.isNaN(v) ? NOTHING : inSigns(v));
  const difference = { ...own, values: own.values.map((v, i) => v - there.values[i]) };
  const low = blank ? 0 : -9; // the scene's numbers are from -9 to 9
  const gray = (v) => grays(blank ? 16 : 18)(v - low);
  const panels = {
    image: ["image", images[0], gray],
    moved: ["moved image", images[1], gray],
    A: ["A: move, layer", own, colours],
    output: ["output", first, colours],
    B: [found.agree ? "B: layer, move" : "B: layer, no move", there, colours],
    difference: ["A − B", difference, colours],
  };
  const frames = layer(svg, "g", "explore-cells");
  for (const name in panels) {
    const [x, y] = at.places[name];
    const [, image, palette] = panels[name];
    raster(svg, `moved-${name}`, image, palette, { x, y, unit: side / image.width });
  }
  const scale = Float64Array.from({ length: 3 * 31 }, (_, i) => ((i % 31) - 15) / 15);
  raster(svg, "moved-scale", { values: scale, width: 31, height: 3 }, inUnits, { x: at.scale[0] + 12, y: at.scale[1], unit: 2.6 });
  svg.append(frames); // names and frames lie over the images
  frames.replaceChildren();
  for (const name in panels) {
    const [x, y] = at.places[name];
    add(frames, "text", { class: "title", x, y: y - 10 }, panels[name][0]);
    add(frames, "rect", { class: "kernel-frame", x, y, width: side, height: side });
  }
  if (difference.values.every((v) => !v)) { // NaN too
    const middle = (start, by) => start + side / 2 + (side * by) / own.width / 2; // of what is compared
    const [x, y] = at.places.difference;
    add(frames, "text", { x: middle(x, found.right), y: middle(y, found.down), "font-size": 16 }, "all 0");
  }
  marks(frames, at, { state, found, weight, gray: found.right || found.down });

  const [left, top] = at.places.moved;
  const unit = side / SIDE;
  const clip = add(frames, "clipPath", { id: `explore-${Math.random()}` });
  add(clip, "rect", { x: left, y: top, width: side, height: side });
  const square = (name, dx, dy) => {
    const rect = layer(svg, "rect", name);
    for (const [key, v] of Object.entries({ x: left + (7 + dx) * unit, y: top + (7 + dy) * unit, width: 10 * unit, height: 10 * unit }))
      rect.setAttribute(key, v); // a pixel of ground around the digit
    rect.setAttribute("clip-path", `url(#${clip.id})`);
    svg.append(rect);
    return rect;
  };
  square("moved-from", 0, 0);
  square("moved-to", right, down).dataset.grip = "digit";

  return (x, y) => {
    const to = (v, start) => Math.max(-ROOM, Math.min(ROOM, Math.round((v - start) / unit) - SIDE / 2));
    return { right: to(x, left), down: to(y, top) };
  };
}
const inUnits = signs(1);

function render({ model, el }) {
  const scenes = Object.fromEntries(Object.entries(model.get("scenes")).map(([name, scene]) =>
    [name, { ...scene, pixels: new Int8Array(bytes(scene.pixels).buffer) }]));
  explore({ model, el }, {
    title: "Does the output move along?",
    invite: "Drag the blue square, or press Play. Then choose another layer.",
    controls: CONTROLS,
    presets: {
      "Convolution: A = B": { layer: "convolution", image: "digit", right: 5, down: 3 },
      "Padding: A ≠ B": { layer: "padded", image: "scene", right: 5, down: 3 },
      "Stride 2 by 1: A ≠ B": { layer: "stride 2", image: "digit", right: 1, down: 0 },
      "Dense: A ≠ B": { layer: "dense", image: "digit", right: 1, down: 0 },
    },
    play: {
      first: () => ({ right: -ROOM, down: 0 }),
      next: ({ right }) => (right < ROOM ? { right: right + 1 } : null),
      every: 300,
    },
    draw: (state, parts) => draw(state, scenes, parts),
  });
}

export default { render };
