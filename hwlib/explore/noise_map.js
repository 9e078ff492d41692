// All noises as points of a map.

const DROPOUTS = Array.from({ length: 61 }, (_, i) => (1 - Math.cos((i * Math.PI) / 60)) / 2).map((k) => [k, bernoulliStd(k)]);

/** Draw the map, `side` pixels wide between its axes; returns what turns pixels into mean and deviation. */
export function noiseMap(panel, { noise, mu, sigma }, side) {
  const margin = { left: 46, right: 10, top: 28, bottom: 40 };
  const { X, Y, path, invert } = axes(panel, {
    x: [0, 2], y: [0, 2], xlabel: "mean μ", ylabel: "standard deviation σ", margin, width: side + 56, height: side + 68,
  });
  curve(panel, "tikhonov-dropouts", "ink", path(DROPOUTS));
  const names = layer(panel, "g", "tikhonov-names");
  names.replaceChildren();
  add(names, "text", { x: X(1), y: 11 }, "the noise");
  const taken = Math.abs(mu - 0.5) < 0.45 && sigma > 0.35 && sigma < 0.9; // then the name is inside of its curve
  add(names, "text", { x: X(0.5), y: Y(taken ? 0.12 : 0.5) - 8, class: "thin" }, "dropout");
  const mark = layer(panel, "rect", "tikhonov-noise");
  for (const [name, value] of Object.entries({ x: X(mu) - 8, y: Y(sigma) - 8, width: 16, height: 16, rx: 2 })) mark.setAttribute(name, value);
  mark.dataset.grip = "noise";
  panel.append(mark);
  return invert;
}
