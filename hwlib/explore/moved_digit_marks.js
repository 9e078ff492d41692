// What ties the six images of a moved digit together: arrows, names, the filter, the verdict.

/**
 * Where things stand, in units of the viewBox: six images of this side; arrows as [x, y, x, y]; where the
 * words beside them begin; the filter, the scale of colours, and the verdict.
 */
export const layout = () => matchMedia("(min-width: 40rem)").matches ? {
  width: 760, height: 384, side: 157, wide: true,
  places: { image: [0, 122], moved: [201, 22], A: [402, 22], output: [201, 218], B: [402, 218], difference: [603, 122] },
  arrows: [[161, 166, 197, 126], [362, 100, 398, 100], [161, 240, 197, 280], [362, 296, 398, 296], [563, 126, 599, 166], [563, 280, 599, 240]],
  words: [[179, 80, 1], [380, 90, 1], [176, 304, 1], [380, 252, 1]],
  filter: [0, 22, 22], scale: [0, 300], verdict: [681, 314],
} : {
  width: 330, height: 582, side: 126,
  places: { image: [0, 22], moved: [204, 22], A: [204, 192], output: [0, 192], B: [0, 362], difference: [204, 362] },
  arrows: [[130, 85, 200, 85], [324, 152, 324, 187], [120, 152, 120, 187], [120, 322, 120, 357], [324, 322, 324, 357], [130, 425, 200, 425]],
  words: [[165, 43, 1], [314, 167], [111, 167], [111, 337]],
  filter: [0, 524, 18], scale: [204, 538], verdict: [267, 518],
};

function arrow(group, [a, b, c, d]) {
  const long = Math.hypot(c - a, d - b);
  const [u, v] = [(8 * (c - a)) / long, (8 * (d - b)) / long];
  add(group, "path", { class: "moved-arrow", d: `M${a} ${b}L${c} ${d}M${c - u - v / 1.6} ${d - v + u / 1.6}L${c} ${d}L${c - u + v / 1.6} ${d - v - u / 1.6}` });
}

/** Words above each other where there is room, or in one line. */
function words(group, [x, y, above], lines) {
  if (!above) return add(group, "text", { x, y, class: "moved-word end" }, lines.join(" "));
  lines.forEach((line, i) => add(group, "text", { x, y: y + 16 * i, class: "moved-word" }, line));
}

/** Everything but the images: `seen` are the state, the best move, the filter and whether gray is in sight. */
export function marks(group, at, { state, found, weight, gray }) {
  for (const one of at.arrows) arrow(group, one);
  const fits = found.share === 1;
  const moves = [["move", ...arrows(state.right, state.down)], ["layer"], ["layer"],
    found.agree ? [fits ? "move" : "best", ...arrows(found.right, found.down)] : ["no fit"]];
  moves.forEach((lines, i) => words(group, at.words[i], lines));

  const word = (x, y, text, side) => add(group, "text", { x, y, class: `moved-word ${side}` }, text);
  const [u, v] = at.verdict;
  add(group, "text", { x: u, y: v, class: `moved-verdict ${fits ? "fits" : ""}` }, fits ? "A = B ✓" : "A ≠ B ✗");
  const [x, y, cell] = at.filter;
  add(group, "text", { class: "title", x, y: y - 10 }, "layer");
  const said = { padded: ["zeros", "around"], "stride 2": ["stride 2"], pooled: ["then max", "of 2 × 2"],
    dense: ["random matrix", "484 × 576"], convolution: ["stride 1"] }[state.layer];
  const dense = state.layer === "dense";
  said.forEach((text, i) => word(x + (dense ? 0 : 3 * cell + 8), y + 22 + 16 * i, text, "start"));
  const weighed = signs(Math.max(...weight.flat().map(Math.abs)));
  if (!dense) weight.forEach((line, a) => line.forEach((w, b) => {
    const box = add(group, "g", { class: "filter", transform: `translate(${x + cell * b} ${y + cell * a})` });
    add(box, "rect", { width: cell, height: cell, style: pale(weighed(w)) });
    add(box, "text", { x: cell / 2, y: cell / 2 + 0.5, "font-size": 0.6 * cell }, typeset(w));
  }));
  const [left, top] = at.scale;
  word(left, top + 9, "−", "start");
  word(left + 96, top + 9, "+", "start");
  if (!gray) return;
  add(group, "rect", { x: left, y: top + 20, width: 14, height: 14, class: "moved-nothing" });
  word(left + 20, top + 32, "not compared", "start");
}
