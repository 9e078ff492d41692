// A matrix as numbers, and below it its two columns as arrows, in the plane that they span.

const ROW = 27; // height of an entry
const EDGE = { left: 26, right: 22, foot: 40, head: 30 }; // around the arrows, for their names

/** A filled arrow along the x axis. */
const outline = (far) => {
  const length = +far.toFixed(2);
  const head = Math.min(16, 0.6 * length);
  return `M0 -2.5H${length - head}V-8L${length} 0L${length - head} 8V2.5H0z`;
};

/** Where the arrows begin, and the pixels of a unit with which arrows that long fit at this angle. */
export function fitting([long1, long2], angle, width, height) {
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const left = Math.max(0, -long2 * cos);
  const across = left + Math.max(long1, long2 * cos);
  const unit = Math.min((height - EDGE.foot - EDGE.head) / Math.max(long2 * sin, 0.3 * long1), (width - EDGE.left - EDGE.right) / across);
  return { unit, x: (width - across * unit) / 2 + left * unit, y: height - EDGE.foot };
}

/** Entries, lengths of the columns, and what else stands below them, [word, two texts]; centered, so many pixels high. */
export function table(panel, kind, letter, rows, feet, width, cell) {
  const g = layer(panel, "g", "matrix-table");
  g.replaceChildren();
  const left = width / 2 - cell;
  const write = (x, y, text, look) => add(g, "text", { x, y, class: look }, text);
  const middle = (j) => left + (j + 0.5) * cell;
  [0, 1].forEach((j) => write(middle(j), 10, `${letter}${"₁₂"[j]}`, `bold ${kind}`));
  rows.forEach((row, i) => row.forEach((v, j) => {
    const box = add(g, "g", { class: kind === "after" ? "output" : kind, transform: `translate(${left + j * cell} ${24 + i * ROW})` });
    add(box, "rect", { width: cell, height: ROW });
    add(box, "text", { x: cell / 2, y: ROW / 2 + 1 }, short(v));
  }));
  feet.forEach(([word, texts, look], i) => {
    const y = 24 + rows.length * ROW + 16 + 22 * i;
    write(left - 8, y, word, "end");
    texts.forEach((text, j) => write(middle(j), y, text, look));
  });
  return 24 + rows.length * ROW + 22 * feet.length;
}

/** The two columns with true lengths and angle: the first lies flat, the second is turned. */
export function fan(panel, kind, letter, lengths, angle, { unit, x, y }, top) {
  const g = layer(panel, "g", "matrix-fan");
  g.setAttribute("transform", `translate(${x} ${top + y})`);
  g.replaceChildren();
  const at = (turn, far) => [far * Math.cos(turn), -far * Math.sin(turn)];
  const arc = (far) => `M${at(0, far)}A${far} ${far} 0 0 0 ${at(angle, far)}`;
  const write = ([a, b], text, look) => add(g, "text", { x: a, y: b, class: look }, text);
  if (kind === "after") add(g, "path", { class: "fan-same", d: arc(lengths[0] * unit) });
  const small = Math.min(...lengths) * unit < 64 ? 14 : 26;
  add(g, "path", { class: "fan-angle", d: arc(small) });
  lengths.forEach((length, j) => {
    const arrow = add(g, "g", { class: `fan-${kind}`, transform: `rotate(${j ? (-angle / Math.PI) * 180 : 0})` });
    const tip = length * unit;
    add(arrow, "path", { class: "fan-arrow", d: outline(tip) });
    if (kind === "before") add(arrow, "circle", { class: "fan-grip", cx: tip, cy: 0, r: 11, "data-grip": `scale${j + 1}` });
  });
  const name = (j) => `${letter}${"₁₂"[j]}: ${short(lengths[j])}`;
  const inside = (a) => Math.max(34 - x, a); // of this half
  write([inside(lengths[0] * unit - 20), 27], name(0), kind);
  const [tx, ty] = at(angle, lengths[1] * unit + 18);
  const flat = Math.abs(Math.cos(angle)) > 0.8;
  write(flat ? [tx - 18 * Math.sign(Math.cos(angle)), ty - 16] : [inside(tx), ty + 4], name(1), kind);
  const [ax, ay] = at(Math.max(angle / 2, 0.42), small + 26);
  if (small > 14 && (angle > 0.3 || lengths[0] * unit > 90)) write([ax, ay + 5], `${short((angle * 180) / Math.PI)}°`, "");
}
