// Axes and curves, for the figures that plot; joined behind kit.js.

const MARGIN = { left: 46, right: 10, top: 10, bottom: 40 };

/** About five round numbers from lo to hi. */
export function ticks(lo, hi) {
  const rough = (hi - lo) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= rough * 0.999);
  const first = Math.ceil(lo / step - 1e-9);
  const count = Math.floor(hi / step + 1e-9) - first + 1;
  return Array.from({ length: count }, (_, i) => +((first + i) * step).toPrecision(12));
}

/** An axis from lo to hi, drawn from pixel `from` to pixel `to`: values to pixels, and back. */
function scale([lo, hi], from, to, log) {
  const f = log ? Math.log10 : (v) => v;
  const [a, b] = [f(lo), f(hi)];
  const px = (v) => from + ((f(v) - a) / (b - a)) * (to - from);
  const back = (p) => {
    const v = a + ((p - from) / (to - from)) * (b - a);
    return log ? 10 ** v : v;
  };
  return { px, back };
}

/**
 * Draw axes, and return what places things between them: `X` and `Y` from values to pixels,
 * `invert(px, py)` back to values, and `path(points)` for a list of [x, y], a gap where one is not
 * finite. `x` and `y` are [lo, hi]; `equal` makes a unit as long up as across.
 */
export function axes(
  svg, { x, y, xlabel, ylabel, width = 380, height = 280, equal, margin = MARGIN },
) {
  const { left, right, top, bottom } = margin;
  if (equal) height = top + bottom + ((width - left - right) * (y[1] - y[0])) / (x[1] - x[0]);
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.setAttribute("width", 1.4 * width); // px at most: the css shrinks it to fit
  const across = scale(x, left, width - right);
  const up = scale(y, height - bottom, top);
  const frame = layer(svg, "g", "plot-axes");
  frame.replaceChildren();
  const clip = add(frame, "clipPath", { id: `explore-${Math.random()}` });
  const box = { x: left, y: top, width: width - left - right, height: height - top - bottom };
  add(clip, "rect", box);
  for (const v of ticks(...x)) {
    add(frame, "path", { d: `M${across.px(v)} ${top}V${height - bottom}` });
    add(frame, "text", { x: across.px(v), y: height - bottom + 15 }, typeset(v));
  }
  for (const v of ticks(...y)) {
    add(frame, "path", { d: `M${left} ${up.px(v)}H${width - right}` });
    add(frame, "text", { x: left - 6, y: up.px(v), class: "plot-end" }, typeset(v));
  }
  const middle = (top + height - bottom) / 2;
  add(frame, "text", { x: (left + width - right) / 2, y: height - 8 }, xlabel);
  add(frame, "text", { x: 0, y: 0, transform: `translate(11 ${middle}) rotate(-90)` }, ylabel);
  const [X, Y] = [across.px, up.px];
  const path = (points) => {
    let pen = "M";
    return points.map(([a, b]) => {
      const [px, py] = [X(a), Y(b)];
      if (!Number.isFinite(px + py)) return (pen = "M"), "";
      const step = `${pen}${px.toFixed(2)} ${py.toFixed(2)}`;
      pen = "L";
      return step;
    }).join("");
  };
  return { X, Y, path, invert: (px, py) => [across.back(px), up.back(py)] };
}

/** What of a line through points lies within x = [lo, hi] and y; a gap where it leaves. */
export const within = (points, x, y) => points.slice(1).flatMap((to, i) => {
  const from = points[i];
  let [s, t] = [0, 1]; // the part of this piece that is inside
  for (const [a, b, range] of [[from[0], to[0], x], [from[1], to[1], y]]) {
    const ends = range.map((v) => (v - a) / (b - a));
    [s, t] = [Math.max(s, Math.min(...ends)), Math.min(t, Math.max(...ends))];
  }
  if (!(s <= t)) return [];
  const at = (u) => from.map((a, k) => a + u * (to[k] - a));
  return [...(i && !s ? [] : [at(s)]), at(t), ...(t < 1 ? [[NaN, NaN]] : [])];
});

/**
 * Draw or move a curve inside the axes: a path named `key` that looks like `look` ("a", "b", "c" for
 * the three colours, each with its own dashes, or "ink"; css has them, and "area" for filled ones).
 */
export function curve(svg, key, look, d) {
  const path = layer(svg, "path", key);
  path.setAttribute("class", `${key} plot-curve plot-${look}`);
  path.setAttribute("clip-path", `url(#${svg.querySelector("clipPath").id})`);
  path.setAttribute("d", d);
  return path;
}

/** Draw or move a dot, likewise; it glides. */
export function dot(svg, key, look, x, y) {
  const mark = layer(svg, "circle", key);
  mark.setAttribute("class", `${key} plot-dot plot-${look}`);
  mark.setAttribute("r", 6);
  mark.style.transform = `translate(${x}px, ${y}px)`;
  return mark;
}
