// What stands beside the landscape of the loss: names at its lines, the jump, and the prediction as a bar.

/** Write a name above a line of pixels, at this part of it: right of a line that falls, left of one that rises. */
export function nameLine(parent, points, part, text, rises) {
  const inside = points.filter(([a, b]) => Number.isFinite(a + b));
  if (inside.length < 2) return;
  const [x, y] = [0, 1].map((j) => inside[0][j] + part * (inside.at(-1)[j] - inside[0][j]));
  add(parent, "text", { x: x + (rises ? -10 : 10), y: y - 3, class: rises ? "plot-end" : "" }, text);
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
export function predictionBar(panel, { y }, { parts }, height) {
  panel.replaceChildren();
  const [floor, top, wide] = [height - 40, 52, 64];
  const up = (v) => floor - ((floor - top) * v) / y;
  const write = (x, y, text, kind) => add(panel, "text", { x, y, class: kind }, text);
  write(0, 14, "prediction at the dot", "bold");
  add(panel, "rect", { x: 0, y: top, width: wide, height: floor - top, class: "whole" });
  let from = 0;
  const names = parts.map((part, j) => {
    add(panel, "rect", { x: 0, y: up(from + part), width: wide, height: up(from) - up(from + part), class: "ab"[j] });
    from += part;
    return up(from - part / 2) + 5;
  });
  names[1] = Math.max(top + 15, Math.min(names[1], names[0] - 20));
  names.forEach((place, j) => write(wide + 10, place, `x${"₁₂"[j]}w${"₁₂"[j]} = ${short(parts[j])}`, "ab"[j]));
  add(panel, "path", { d: `M-5 ${top}H${wide + 5}` });
  write(wide + 10, top - 5, `target y = ${short(y)}`, "");
  if (up(from) - top > 18) write(wide + 10, (top + up(from)) / 2 + (up(from) - top > 40 ? 11 : 6), `error ${short(y - from)}`, "pale");
}
