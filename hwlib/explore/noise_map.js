// All noises as points of a map, below it a distribution, and beside them the loss as a bar.

const MAP = { width: 208, height: 198, law: 104 };
const RANGE = [-2, 4]; // of the noise
const DROPOUTS = list(61, (i) => (1 - Math.cos((i * Math.PI) / 60)) / 2).map((k) => [k, bernoulliStd(k)]);

/** Draw the map, with the path that Play takes; returns what turns pixels into mean and deviation. */
export function noiseMap(panel, { noise, mu, sigma }) {
  const { X, Y, path, invert } = axes(panel, {
    width: MAP.width, height: MAP.height, x: [0, 2], y: [0, 2], xlabel: "mean μ", ylabel: "std. dev. σ",
    margin: { left: 46, right: 10, top: 8, bottom: 38 },
  });
  const dropout = noise === "dropout";
  curve(panel, "tikhonov-dropouts", "ink", path(DROPOUTS));
  const [from, to] = dropout ? [[1, 0], [0, 0]] : [[mu, 0], [mu, 2]];
  const play = layer(panel, "path", "tikhonov-play");
  const head = dropout ? `M${X(0) + 1} ${Y(0.14)}l-1 9l7 -6` : `M${X(to[0]) - 4} ${Y(to[1]) + 8}l4 -8l4 8`;
  play.setAttribute("d", (dropout ? path([...DROPOUTS].reverse()) : path([from, to])) + head);
  const names = layer(panel, "g", "tikhonov-names");
  names.replaceChildren();
  const inner = mu > 0.9 && sigma < 0.55; // the name is inside of its curve, or beside it
  add(names, "text", { x: X(inner ? 0.5 : 1) + (inner ? 0 : 6), y: Y(0.14), class: inner ? "" : "start" }, "dropout");
  const [left, low] = [mu > 1.4, !dropout && sigma > 1.7];
  // On the curve of dropout the word stands inside of its left, above its top, outside of its right.
  const [dx, dy, side] = !dropout || mu > 0.7 ? [left ? -12 : 12, low ? 16 : -8, left ? "plot-end" : "start"]
    : mu < 0.3 ? [12, 5, "start"] : [0, -12, ""];
  add(names, "text", { x: X(mu) + dx, y: Y(sigma) + dy, class: `${side} c` }, "drag");
  if (!dropout && sigma < 1.5) add(names, "text", { x: X(mu) + (left ? -8 : 8), y: Y(2) + 13, class: left ? "plot-end" : "start" }, "Play");
  const mark = layer(panel, "rect", "tikhonov-noise");
  for (const [name, value] of Object.entries({ x: X(mu) - 7, y: Y(sigma) - 7, width: 14, height: 14, rx: 2 })) mark.setAttribute(name, value);
  mark.dataset.grip = "noise";
  panel.append(mark, names);
  return invert;
}

/** A distribution with this mean and deviation: two spikes for dropout, else a bell. */
export function law(panel, { noise, mu, sigma }) {
  const bell = noise === "any" && sigma > 0;
  const { X, Y, path } = axes(panel, {
    x: RANGE, y: [0, 1.3], xlabel: bell ? "noise r, here Gaussian" : "noise r", ylabel: "", width: MAP.width, height: MAP.law,
    margin: { left: 46, right: 10, top: 4, bottom: 38 },
  });
  for (const text of panel.querySelectorAll(".plot-end")) text.remove();
  const points = list(121, (i) => RANGE[0] + (i * (RANGE[1] - RANGE[0])) / 120)
    .map((r) => [r, Math.exp(-(((r - mu) / sigma) ** 2) / 2)]);
  curve(panel, "law-bell", "area", bell ? `${path([[RANGE[0], 0], ...points, [RANGE[1], 0]])}z` : "");
  curve(panel, "law-line", "ink", bell ? path(points) : "");
  const bars = layer(panel, "g", "law-bars");
  bars.replaceChildren();
  add(bars, "path", { class: "law-mean", d: `M${X(mu)} ${Y(0)}V${Y(1.3)}` });
  const spikes = noise === "dropout" ? [[0, 1 - mu], [1, mu]] : sigma ? [] : [[mu, 1]];
  for (const [r, chance] of spikes) {
    add(bars, "path", { d: `M${X(r)} ${Y(0)}V${Y(chance)}` });
    const right = r > 0;
    add(bars, "text", { x: X(r) + (right ? 7 : -7), y: Math.min(Y(chance) + 9, Y(0) - 4), class: right ? "start" : "plot-end" }, short(chance));
  }
}

/** The loss at the minimum, its two terms one on the other; `most` is the loss at w = 0, never exceeded. */
export function lossBar(panel, { fit, penalty, loss }, most, height) {
  panel.replaceChildren();
  const [floor, top] = [height - 38, 24];
  const up = (v) => floor - ((floor - top) * v) / most;
  const write = (x, y, text, kind) => add(panel, "text", { x, y, class: `start ${kind}` }, text);
  write(0, floor + 31, "loss at the minimum", "");
  write(0, 14, `loss at w = 0: ${short(most)}`, "");
  add(panel, "rect", { x: 0, y: top, width: 32, height: floor - top, class: "most" });
  for (const [kind, from, to] of [["a", 0, fit], ["c", fit, loss]])
    add(panel, "rect", { x: 0, y: up(to), width: 32, height: Math.max(0, up(from) - up(to)), class: kind });
  add(panel, "path", { d: `M-4 ${floor}H36` });
  // Each name beside its part, a line apart at least.
  let [a, c, b] = [up(fit / 2), up(fit + penalty / 2), up(loss)].map((y) => y + 5);
  a = Math.min(a, floor + 4);
  c = Math.min(c, a - 18);
  b = Math.max(top + 16, Math.min(b, c - 18));
  c = Math.max(c, b + 18);
  write(40, Math.max(a, c + 18), `data fit ${short(fit)}`, "a");
  write(40, c, `+ penalty ${short(penalty)}`, "c");
  write(40, b, `= sum ${short(loss)}`, "b");
}
