// What ties the six images of a moved digit together: arrows, names, the filter, the verdict.

/**
 * Where things stand, in units of the viewBox: six images of this side; arrows as [x, y, x, y]; where the
 * words beside them begin; the filter, the scale of colours, and the verdict.
 */
export const layout = () => matchMedia("(min-width: 40rem)").matches ? {
  width: 724, height: 348, side: 142,
  places: { image: [0, 113], moved: [194, 22], A: [388, 22], output: [194, 204], B: [388, 204], difference: [582, 113] },
  arrows: [[147, 160, 188, 112], [341, 93, 382, 93], [147, 208, 188, 256], [341, 275, 382, 275], [535, 112, 576, 160], [535, 256, 576, 208]],
  words: [[166, 74, 1], [361, 84, 1], [164, 272, 1], [361, 231, 1]],
  filter: [582, 22], scale: [0, 300], verdict: [653, 286],
} : {
  width: 330, height: 534, side: 140,
  places: { image: [0, 22], moved: [190, 22], A: [190, 194], output: [0, 194], B: [0, 366], difference: [190, 366] },
  arrows: [[145, 92, 184, 92], [310, 165, 310, 189], [120, 165, 120, 189], [120, 337, 120, 361], [310, 337, 310, 361], [145, 436, 184, 436]],
  words: [[164, 52, 1], [301, 180], [111, 180], [111, 350]],
  scale: [0, 516], verdict: [260, 528],
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

  const [u, v] = at.verdict;
  add(group, "text", { x: u, y: v, class: `moved-verdict ${fits ? "fits" : ""}` }, fits ? "A = B ✓" : "A ≠ B ✗");
  if (at.filter) {
    add(group, "text", { x: u, y: v + 22, class: "moved-word" }, fits ? "100% agree" : `${found.agree ? "at best " : ""}${percent(found.share)} agree`);
    const [x, y] = at.filter;
    add(group, "text", { class: "title", x, y: y - 10 }, "layer");
    const said = { padded: ["zeros", "around"], "stride 2": ["stride 2"], pooled: ["then max", "of 2 × 2"],
      dense: ["random matrix", "484 × 576"], convolution: ["stride 1"] }[state.layer];
    const dense = state.layer === "dense";
    said.forEach((word, i) => add(group, "text", { x: x + (dense ? 0 : 70), y: y + 22 + 16 * i, class: "moved-word start" }, word));
    if (!dense) weight.forEach((line, a) => line.forEach((w, b) => {
      const cell = add(group, "g", { class: "filter", transform: `translate(${x + 21 * b} ${y + 21 * a})` });
      add(cell, "rect", { width: 21, height: 21 });
      add(cell, "text", { x: 10.5, y: 11, "font-size": 12 }, typeset(w));
    }));
  }
  const [x, y] = at.scale;
  add(group, "text", { x, y: y + 9, class: "moved-word start" }, "−");
  add(group, "text", { x: x + 96, y: y + 9, class: "moved-word start" }, at.filter ? "+ output" : "+");
  if (!gray) return;
  add(group, "rect", { x: x + (at.filter ? 0 : 114), y: y + (at.filter ? 20 : -2), width: 14, height: 14, class: "moved-nothing" });
  add(group, "text", { x: x + (at.filter ? 20 : 132), y: y + (at.filter ? 32 : 9), class: "moved-word start" }, at.filter ? "nothing to compare" : "none");
}
