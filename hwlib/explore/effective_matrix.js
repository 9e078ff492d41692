// The data matrix X, and the one on which dropout is plain ridge regression.

const dotted = (a, b) => a.reduce((total, v, i) => total + v * b[i], 0);
const column = (X, j) => X.map((row) => row[j]);

/** The matrices before and after, the norms of their columns, and the angle between the columns. */
export function effective({ X, keep, factor }) {
  if (!X[0].length || X[0].length !== 2)
    throw new RangeError("X needs rows of two numbers; “;” ends a row.");
  const before = X.map(([a, b]) => [factor * a, b]);
  const norms = [0, 1].map((j) => Math.hypot(...column(before, j)));
  const zero = norms.indexOf(0);
  if (zero >= 0) throw new RangeError(`Column ${zero + 1} of X is zero: no factor changes its norm.`);
  const gamma = norms.map((n) => Math.sqrt((1 - keep) / keep) * n);
  const after = before.map((row) => row.map((v, j) => v / gamma[j]));
  const then = [0, 1].map((j) => Math.hypot(...column(after, j)));
  const cosine = dotted(column(before, 0), column(before, 1)) / norms[0] / norms[1];
  return { before, norms, gamma, after, then, angle: Math.acos(Math.max(-1, Math.min(1, cosine))) };
}

const short = (v) => typeset(+v.toPrecision(4));

/** What is seen, in words. */
export function spell({ before, norms, gamma, after, then, angle }) {
  const root = (j) => {
    const squares = column(before, j).map((v) => (v < 0 ? `(${short(v)})²` : `${short(v)}²`));
    return `column ${j + 1}: √(${squares.join(" + ")}) = ${short(norms[j])}, ` +
      `divided by ${short(gamma[j])}`;
  };
  const line = `Norms in X: ${norms.map(short).join(" and ")}. In X̃: ${then.map(short).join(" and ")}.`;
  const rows = after.map((row) => row.map(short).join(", ")).join("; ");
  const degrees = `Angle between the columns: ${short((angle * 180) / Math.PI)}°, unchanged.`;
  return { line, notes: [root(0), root(1), `X̃ = ${rows}`, degrees] };
}

const CONTROLS = {
  X: ["data X, one row per example", { type: "text" }],
  factor: ["scale feature 1 by", { type: "range", min: 0.1, max: 1.5, step: 0.1 }],
  keep: ["keep", { type: "range", min: 0.1, max: 0.9, step: 0.01 }],
};
const [HALF, REACH, FLOOR] = [95, 92, 112]; // of a panel: half its width, its longest arrow, its foot

/** Two columns as arrows, in the plane that they span: lengths and angle are true. */
function fan(svg, key, title, middle, lengths, angle, unit) {
  const g = layer(svg, "g", key);
  g.replaceChildren();
  const arc = (r, kind) =>
    add(g, "path", { class: kind, d: `M${middle - r} ${FLOOR}a${r} ${r} 0 0 1 ${2 * r} 0` });
  const [, ...rings] = ticks(0, REACH / unit);
  for (const r of rings) arc(r * unit, "fan-ring");
  if (title === "X̃") arc(lengths[0] * unit, "fan-same");
  add(g, "text", { x: middle, y: FLOOR + 24 }, `${title}, rings ${rings[0]} apart`);
  lengths.forEach((length, j) => {
    const turn = (((j ? 1 : -1) * angle) / 2 / Math.PI) * 180;
    const arrow = add(g, "g", { transform: `translate(${middle} ${FLOOR}) rotate(${turn})` });
    const tip = -length * unit;
    const head = Math.min(11, -tip);
    add(arrow, "path", { class: `fan-arrow plot-${"ab"[j]}`, d: `M0 0V${tip + 0.7 * head}` });
    add(arrow, "path", { class: `fan-head plot-${"ab"[j]}`,
      d: `M0 ${tip}l${0.45 * head} ${head}h${-0.9 * head}z` });
    const x = tip * -Math.sin((turn / 180) * Math.PI);
    const place = { x: middle + (j ? Math.min(x + 7, 25) : Math.max(x - 7, -25)),
      y: FLOOR + tip * Math.cos((turn / 180) * Math.PI) - 4 };
    add(g, "text", { ...place, class: `fan-${j ? "right" : "left"}` }, `${["x₁", "x₂"][j]}: ${typeset(+length.toPrecision(3))}`);
  });
}

function draw(state, { svg, line, notes }) {
  const result = effective(state);
  const { norms, then, angle } = result;
  const words = spell(result);
  line.textContent = words.line;
  notes.textContent = words.notes.join("\n");
  svg.dataset.spot = "";
  svg.setAttribute("viewBox", `0 0 ${4 * HALF} ${FLOOR + 32}`);
  svg.setAttribute("width", 5.6 * HALF);
  svg.setAttribute("aria-label", `Two columns as arrows, before and after. ${words.line} ` +
    words.notes.slice(2).join(". "));
  const own = norms[0] / state.factor; // of column 1 in its first unit
  const before = REACH / Math.max(1.5 * own, norms[0], norms[1]);
  const after = REACH / Math.max(3.2, then[0]);
  fan(svg, "fan-before", "X", HALF, norms, angle, before);
  fan(svg, "fan-after", "X̃", 3 * HALF, then, angle, after);

  return (x, y) => { // a pointer pulls at the length of column 1, or of both columns of X̃
    const pulled = (middle) => Math.hypot(x - middle, y - FLOOR);
    if (x < 2 * HALF) return { factor: pulled(HALF) / before / own };
    const norm = pulled(3 * HALF) / after;
    return { keep: norm ** 2 / (1 + norm ** 2) };
  };
}

const FIGURE = { title: "Effective data matrix", invite: "", controls: CONTROLS, draw, look: "explore-stacked" };

export default { render: (context) => explore(context, FIGURE) };
