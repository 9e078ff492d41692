// The columns of X (hollow) and of X̃ (filled) as arrows, in the plane that they span.

const ROOM = { up: 26, down: 62, left: 74, right: 76 }; // around the arrows, for their names

/** A hollow arrow along the x axis, as wide as told. */
const outline = (length, wide) => {
  const head = Math.min(1.7 * wide, 0.7 * length);
  const [neck, half] = [length - head, wide / 2];
  return `M0 ${-half}H${neck}V${-wide}L${length} 0L${neck} ${wide}V${half}H0z`;
};

/** Where the arrows begin, and the pixels of a unit with which arrows that long fit at this angle. */
export function fitting([long1, long2], radius, angle, width, height) {
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const high = Math.max(long2 * sin, radius * Math.sin(Math.min(angle, Math.PI / 2)));
  const left = Math.max(0, -long2 * cos);
  const across = left + Math.max(long1, long2 * cos);
  const unit = Math.min((height - ROOM.up - ROOM.down) / high, (width - ROOM.left - ROOM.right) / across);
  return { unit, x: ROOM.left + left * unit, y: height - ROOM.down };
}

/** Draw the arrows with true lengths and angle: the first lies flat, the second is turned. */
export function fan(svg, { norms, then, angle }, unit, held) {
  const g = layer(svg, "g", "matrix-fan");
  g.replaceChildren();
  const at = (turn, far) => [far * Math.cos(turn), -far * Math.sin(turn)];
  const arc = (far, from, to) => `M${at(from, far)}A${far} ${far} 0 0 0 ${at(to, far)}`;
  const write = ([x, y], text, kind = "") => add(g, "text", { x, y: y + 5, class: kind }, text);
  const radius = then[0] * unit;
  add(g, "path", { class: "fan-same", d: `${arc(radius, 0, angle / 2)}A${radius} ${radius} 0 0 0 ${at(angle, radius)}` });
  const narrow = angle < 0.7;
  const [near, inside] = [!narrow && Math.abs(radius - 58) < 24, radius > 52]; // the green arc would strike the angle
  add(g, "path", { class: "fan-angle", d: arc(near && inside ? 17 : 30, 0, angle) });

  for (const [lengths, kind] of [[norms, "before"], [then, "after"]])
    lengths.forEach((length, j) => {
      const arrow = add(g, "g", { class: `fan-${kind}`, transform: `rotate(${j ? (-angle / Math.PI) * 180 : 0})` });
      const [tip, wide] = [length * unit, kind === "before" ? 15 : 7];
      add(arrow, "path", { class: "fan-arrow", d: outline(tip, wide) });
      if (kind === "before")
        add(arrow, "circle", { class: "fan-grip", cx: tip, cy: 0, r: 9, "data-grip": `scale${j + 1}` });
    });
  const inner = held && norms[0] < then[0]; // then the tip is named below it
  if (held && !inner) write([norms[0] * unit + 14, 0], "↔ drag", "start before");

  // Names: below the first arrow, in two rows where the tips are near; left of the second (above it where it lies flat).
  const name = (kind, j) => `${(kind === "after" ? ["x̃₁", "x̃₂"] : ["x₁", "x₂"])[j]}: ${short((kind === "after" ? then : norms)[j])}`;
  write([then[0] * unit, 27], name("after", 0), "after");
  write([norms[0] * unit, Math.abs(norms[0] - then[0]) * unit < (inner ? 86 : 64) ? 51 : 29], name("before", 0) + (inner ? " ↔ drag" : ""), "before");
  const flat = Math.abs(Math.cos(angle)) > 0.8;
  let [green, blue] = [then[1] * unit, norms[1] * unit];
  if (!flat && Math.abs(green - blue) < 26) green = blue + (green < blue ? -26 : 26);
  for (const [kind, far, off] of [["after", green, 23], ["before", blue, flat ? 48 : 23]]) {
    const [[x, y], [u, v]] = [at(angle, far), at(angle + (angle > 2 ? -1 : 1) * Math.PI / 2, off)];
    write([x + u, y + v], name(kind, 1), `${kind} ${flat ? "" : "end"}`);
  }
  // The rule of the green arc, between the arrows where there is room.
  write(near && inside ? at(0.38 * angle, Math.min(radius - 19, 44)) : at(angle / 2, narrow ? 70 : near ? radius + 24 : 58), `${short((angle * 180) / Math.PI)}°`);
  const place = narrow ? [radius / 2, -84] : at(0.42 * angle, Math.max(radius + 14, near && !inside ? radius + 60 : 92));
  write(place, `√(k/(1 − k)) = ${short(then[0])}`, `after fan-rule ${narrow ? "" : "start"}`);
}
