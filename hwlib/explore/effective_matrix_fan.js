// The two columns of a matrix as arrows from one point, in the plane that they span.

/** A filled arrow along the x axis. */
const outline = (far) => {
  const length = +far.toFixed(2);
  const head = Math.min(22, 0.7 * length);
  return `M0 -3.5H${length - head}V-11L${length} 0L${length - head} 11V3.5H0z`;
};

/** How far two arrows of these lengths, and the arc between them, reach: to the left, to the right and up. */
export const reach = ([flat, turned], angle) => ({
  left: Math.max(0, -turned * Math.cos(angle)),
  right: Math.max(flat, turned * Math.cos(angle)),
  up: Math.max(turned * Math.sin(angle), angle > Math.PI / 2 ? Math.min(flat, turned) : 0),
});

/** Whether the second arrow's name is beside its tip; else it is above it, away from arrow and arc. */
export const steep = (angle) => Math.abs(Math.cos(angle) - 0.35) < 0.45;

/**
 * Both columns with true lengths and angle: the first lies flat, the second is turned; an arc through the shorter tip.
 * Where the other tip is on it as well, its name is written if that is clear of the others and left of `edge`.
 */
export function fan(g, kind, lengths, angle, unit, names, edge) {
  const at = (turn, far) => [far * Math.cos(turn), -far * Math.sin(turn)];
  const far = Math.min(...lengths) * unit;
  const arc = Array.from({ length: 49 }, (_, i) => at((angle * i) / 48, far).map((v) => v.toFixed(2)));
  add(g, "path", { class: "fan-arc", d: `M${arc.join("L")}` });
  lengths.forEach((length, j) => {
    const arrow = add(g, "g", { class: "fan-arrow", transform: `rotate(${j ? (-angle / Math.PI) * 180 : 0})` });
    const tip = length * unit;
    add(arrow, "path", { d: outline(tip) });
    if (kind === "before") add(arrow, "circle", { class: "fan-grip", cx: tip, cy: 0, r: 14, "data-grip": `scale${j + 1}` });
  });
  const write = ([x, y], text, look) => add(g, "text", { x, y, class: look }, text);
  write([Math.max(lengths[0] * unit - 100, -12), 32], names[0], "start");
  const [u, v] = at(angle / 2, far);
  if (kind === "after" && v - at(angle, far)[1] > 20 && v < -16 && u + 110 < edge) write([u + 10, v + 5], "same length", "start");
  const [x, y] = at(angle, lengths[1] * unit);
  if (steep(angle)) write([x + 20, y + 2], names[1], "start");
  else write([x, y - 24], names[1], Math.cos(angle) < 0 ? "start" : "end");
}
