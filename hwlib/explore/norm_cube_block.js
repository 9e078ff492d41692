// How a block of samples, channels and positions is drawn, with one set of its entries.

/**
 * Draw a block of N samples, C channels and P positions from above on the right: cells of this side, the
 * samples a little apart. Pressed it is the spot `spot`. What does not belong to the chosen set can be seen
 * through, and the edges of the box around the set are drawn through the block.
 */
function block(parent, [N, C, P], { has, samples, channels }, { side, apart, left, top, spot }) {
  const deep = (n) => n * (1 + apart); // the front of sample n; a depth of 1 is 0.5 cells right and 0.4 up
  const corner = ([z, c, p]) => [left + (c + 0.5 * z) * side, top + (p - 0.4 * z) * side];
  const shape = (corners) => `M${corners.map((at) => corner(at).map((v) => v.toFixed(1)).join(" ")).join("L")}z`;
  const face = (n, c, kind, ...corners) => add(parent, "path", {
    d: shape(corners), class: `norm-face ${kind}${has(n, c) ? " tap" : ""}`, "data-spot": spot,
  });
  for (let n = N - 1; n >= 0; n--) { // from the back
    const [z, y] = [deep(n), deep(n) + 1];
    for (let c = 0; c < C; c++) face(n, c, "top", [z, c, 0], [z, c + 1, 0], [y, c + 1, 0], [y, c, 0]);
    for (let p = 0; p < P; p++) face(n, C - 1, "side", [z, C, p], [y, C, p], [y, C, p + 1], [z, C, p + 1]);
    for (let c = 0; c < C; c++)
      for (let p = 0; p < P; p++) face(n, c, "front", [z, c, p], [z, c + 1, p], [z, c + 1, p + 1], [z, c, p + 1]);
  }
  const [[from, to], [c, stop]] = [samples, channels];
  const [z, y] = [deep(from), deep(to - 1) + 1];
  const d = [...[z, y].map((q) => shape([[q, c, 0], [q, stop, 0], [q, stop, P], [q, c, P]])),
    ...[[c, 0], [stop, 0], [c, P], [stop, P]].map(([u, v]) => shape([[z, u, v], [y, u, v]]).slice(0, -1))].join("");
  add(parent, "path", { class: "norm-edges", d });
}
