// The law of a noise, as a strip: two bars for a coin, else a bell; the line is its mean.

const [MAP, LAW] = [190, 96]; // width and height of the strip; MAP is the map's side as well
const RANGE = [-2, 4]; // of the noise

/** Draw the law. */
export function law(panel, { noise, mu, sigma }) {
  const bell = noise === "any" && sigma > 0;
  const { X, Y, path } = axes(panel, {
    x: RANGE, y: [0, 1.25], xlabel: bell ? "value r (here Gaussian)" : "value r of the noise", ylabel: "", width: MAP, height: LAW,
    margin: { left: 46, right: 6, top: 4, bottom: 40 },
  });
  for (const text of panel.querySelectorAll(".plot-end")) text.remove();
  const points = list(121, (i) => RANGE[0] + (i * (RANGE[1] - RANGE[0])) / 120)
    .map((r) => [r, Math.exp(-(((r - mu) / sigma) ** 2) / 2)]);
  curve(panel, "law-bell", "area", bell ? `${path([[RANGE[0], 0], ...points, [RANGE[1], 0]])}z` : "");
  curve(panel, "law-line", "a", bell ? path(points) : "");
  const bars = layer(panel, "g", "law-bars");
  bars.replaceChildren();
  const spikes = noise === "dropout" ? [[0, 1 - mu], [1, mu]] : sigma ? [] : [[mu, 1]];
  for (const [r, chance] of spikes) add(bars, "path", { d: `M${X(r)} ${Y(0)}V${Y(chance)}` });
  add(bars, "path", { class: "law-mean", d: `M${X(mu)} ${Y(0)}V${Y(1.25)}` });
}
