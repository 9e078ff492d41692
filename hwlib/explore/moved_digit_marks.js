// What ties the six images of a moved digit together: arrows, names, the filter, the verdict.

/**
 * Where things stand, in units of the viewBox: six images of this side; arrows as [x, y, x, y]; where the
 * words beside them begin; the filter, the scale of colours, and the verdict.
 */
export const layout = () => matchMedia("(min-width: 40rem)").matches ? {
  width: 724, height: 350, side: 145, wide: true,
  places: { image: [0, 114], moved: [193, 22], A: [386, 22], output: [193, 203], B: [386, 203], difference: [579, 114] },
  arrows: [[149, 158, 188, 118], [343, 95, 381, 95], [149, 218, 188, 258], [343, 276, 381, 276], [536, 118, 575, 158], [536, 258, 575, 218]],
  words: [[168, 78, 1], [362, 86, 1], [167, 282, 1], [362, 234, 1]],
  filter: [0, 22, 20], scale: [0, 304], verdict: [652, 291],
} : {
  width: 330, height: 566, side: 130,
  places: { image: [0, 22], moved: [200, 22], A: [200, 184], output: [0, 184], B: [0, 346], difference: [200, 346] },
  arrows: [[137, 90, 193, 90], [320, 156, 320, 179], [120, 156, 120, 179], [120, 318, 120, 341], [320, 318, 320, 341], [137, 411, 193, 411]],
  words: [[165, 48, 1], [311, 172], [111, 172], [111, 334]],
  filter: [0, 510, 18], scale: [200, 532], verdict: [265, 508],
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
  if (at.wide) word(u, v + 22, fits ? "100% agree" : `${found.agree ? "at best " : ""}${percent(found.share)} agree`, "");
  const [x, y, cell] = at.filter;
  add(group, "text", { class: "title", x, y: y - 10 }, "layer");
  const said = { padded: ["zeros", "around"], "stride 2": ["stride 2"], pooled: ["then max", "of 2 × 2"],
    dense: ["random matrix", "484 × 576"], convolution: ["stride 1"] }[state.layer];
  const dense = state.layer === "dense";
  said.forEach((text, i) => word(x + (dense ? 0 : 3 * cell + 8), y + 22 + 16 * i, text, "start"));
  if (!dense) weight.forEach((line, a) => line.forEach((w, b) => {
    const box = add(group, "g", { class: "filter", transform: `translate(${x + cell * b} ${y + cell * a})` });
    add(box, "rect", { width: cell, height: cell });
    add(box, "text", { x: cell / 2, y: cell / 2 + 0.5, "font-size": 12 }, typeset(w));
  }));
  const [left, top] = at.scale;
  word(left, top + 9, "−", "start");
  word(left + 96, top + 9, at.wide ? "+ output" : "+", "start");
  if (!gray) return;
  add(group, "rect", { x: left, y: top + 20, width: 14, height: 14, class: "moved-nothing" });
  word(left + 20, top + 32, "not compared", "start");
}
