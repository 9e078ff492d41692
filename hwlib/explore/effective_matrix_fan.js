// The columns of X and of X̃ as arrows, in the plane that they span.

const [FAN, FOOT] = [420, 320]; // of the arrows: the panel's width, and how far down they begin
const HEAD = { scale: 13, keep: 18 }; // how long the heads of the arrows of X and of X̃ are
const tidy = (v) => typeset(+v.toPrecision(3));

/** Pixels of a unit with which all fits: arrows so long at any angle, the half circle, the names. */
export function fitting(long, radius, angle) {
  const [up, out] = [FOOT - 46, FAN / 2 - 8];
  const [high, wide] = [Math.cos(angle / 2), Math.sin(angle / 2)].map((v) => Math.max(radius, long * v));
  return Math.min(up / high, out / wide);
}

/** Draw the arrows with true lengths and angle; the half circle is where those of X̃ end. */
export function fan(svg, { norms, then, angle }, unit) {
  const g = layer(svg, "g", "matrix-fan");
  g.replaceChildren();
  const radius = then[0] * unit;
  add(g, "path", { class: "fan-same", d: `M${-radius} 0A${radius} ${radius} 0 0 1 ${radius} 0` });
  // The rule stands at the half circle's end; at its top where arrows lie flat.
  const at = angle > 2 ? { x: 0, y: -radius - 8 } : { x: Math.min(radius, FAN / 2 - 60), y: 22 };
  add(g, "text", { class: "fan-rule after", ...at }, `√(k/(1 − k)) = ${tidy(then[0])}`);
  for (const [lengths, kind, grip] of [[then, "after", "keep"], [norms, "before", "scale"]])
    lengths.forEach((length, j) => {
      const turn = ((j ? 1 : -1) * angle) / 2;
      const arrow = add(g, "g", { class: `fan-${kind}`, transform: `rotate(${(turn / Math.PI) * 180})` });
      const tip = -length * unit;
      const head = HEAD[grip];
      add(arrow, "path", { class: "fan-shaft", d: `M0 0V${Math.min(0, tip + head)}` });
      add(arrow, "path", { class: "fan-head", d: `M0 ${tip}l${head / 2.2} ${head}h${-head / 1.1}z`, "data-grip": `${grip}${j + 1}` });
      const [x, y] = [-tip * Math.sin(turn), tip * Math.cos(turn)];
      // The longer one's name stands over its tip, the shorter one's beside it, lower.
      const longer = (kind === "after") === (then[j] > norms[j]);
      const [side, edge] = [j ? "right" : "left", FAN / 2 - 22];
      const place = longer ? { x: Math.max(-edge, Math.min(edge, x)), y: y - 8, class: `fan-name ${kind}` }
        : { x: Math.max(50 - FAN / 2, Math.min(FAN / 2 - 50, x + (j ? 11 : -11))), y: y + 18, class: `fan-name ${side} ${kind}` };
      add(g, "text", place,
        `${kind === "after" ? ["x̃₁", "x̃₂"][j] : ["x₁", "x₂"][j]}: ${tidy(length)}`);
    });
}
