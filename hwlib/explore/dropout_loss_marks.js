// What stands beside the landscape of the loss: names at its lines, the jump, and the prediction as a bar.

/** Write a name beside a line of pixels, at this part of it: right of it where it is steep, else above. Returns where. */
export function nameLine(parent, points, part, kind, text, side = 1) {
  const inside = points.filter(([a, b]) => Number.isFinite(a + b));
  if (inside.length < 2) return [0, 0];
  const [from, to] = [inside[0], inside.at(-1)];
  const [x, y] = [0, 1].map((j) => from[j] + part * (to[j] - from[j]));
  const steep = Math.abs(to[1] - from[1]) > 0.7 * Math.abs(to[0] - from[0]);
  add(parent, "text", steep ? { x: x + 11 * side, y: y + 5, class: `${kind} ${side > 0 ? "" : "plot-end"}` }
    : { x, y: y - 10, class: `${kind} middle` }, text);
  return [x + 40 * side, y];
}

/** The arrow of the jump, from the ring at p = 0 to that of p → 0, above the line. */
export function jump(parent, [[ax, ay], [bx, by]]) {
  const gap = Math.hypot(bx - ax, by - ay);
  if (gap < 40) return;
  const [ux, uy] = [(bx - ax) / gap, (by - ay) / gap];
  const up = [26 * Math.abs(uy), -26 * Math.abs(ux)];
  const [mx, my] = [(ax + bx) / 2 + up[0], (ay + by) / 2 + up[1]];
  const [sx, sy] = [ax + 12 * ux + up[0] / 4, ay + 12 * uy + up[1] / 4];
  const [tx, ty] = [bx - 12 * ux + up[0] / 4, by - 12 * uy + up[1] / 4];
  const barb = (turn) => `M${tx} ${ty}l${9 * Math.cos(turn)} ${9 * Math.sin(turn)}`;
  const back = Math.atan2(my - ty, mx - tx);
  add(parent, "path", { d: `M${sx} ${sy}Q${mx} ${my} ${tx} ${ty}${barb(back - 0.5)}${barb(back + 0.5)}` });
  add(parent, "text", { x: (sx + tx) / 2 + up[0] * 0.6 + 6, y: (sy + ty) / 2 + up[1] * 0.6 + 2 }, "jump");
}

/** The two contributions at the minimum, one on the other, up to the target; in a panel so high. */
export function predictionBar(panel, { x1, x2, y }, { w, parts }, height) {
  panel.replaceChildren();
  const [floor, top] = [height - 34, 42];
  const up = (v) => floor - ((floor - top) * v) / y;
  add(panel, "text", { x: 0, y: 14 }, "prediction at the minimum");
  add(panel, "rect", { x: 4, y: top, width: 44, height: floor - top, class: "whole" });
  let from = 0;
  const names = [];
  parts.forEach((part, j) => {
    add(panel, "rect", { x: 4, y: up(from + part), width: 44, height: up(from) - up(from + part), class: "ab"[j] });
    names.push([up(from + part / 2) + 5, `x${"₁₂"[j]}w${"₁₂"[j]} = ${short([x1, x2][j])}·${short(w[j])} = ${short(part)}`]);
    from += part;
  });
  names[1][0] = Math.min(names[1][0], names[0][0] - 19);
  names.forEach(([place, text], j) => add(panel, "text", { x: 56, y: place, class: "ab"[j] }, text));
  add(panel, "path", { d: `M0 ${top}H56` });
  add(panel, "text", { x: 56, y: top - 5 }, `target y = ${short(y)}`);
  const error = y - from;
  if (up(from) - top > 34) add(panel, "text", { x: 56, y: (top + up(from)) / 2 + 11, class: "pale" }, `error ${short(error)}`);
}
