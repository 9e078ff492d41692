// Weights, loss, noises and their distribution, side by side: drag the minimum or the noise.

const CONTROLS = {
  mu: ["mean μ", { type: "range", min: 0, max: 2, step: 0.01 }],
  sigma: ["std. dev. σ", { type: "range", min: 0, max: 2, step: 0.01 }],
  noise: ["noise", { type: "select", options: { any: "any distribution", dropout: "dropout" }, more: true }],
};

function draw(problem, state, { svg, line, notes, inputs }) {
  const dropout = state.noise === "dropout";
  if (dropout) {
    state.mu = Math.min(state.mu, 1);
    state.sigma = bernoulliStd(state.mu);
    for (const name of ["mu", "sigma"]) {
      inputs[name].value = state[name];
      say(inputs[name], short(state[name]));
    }
  }
  inputs.sigma.disabled = dropout;
  const result = balance({ ...problem, mu: state.mu, sigma: state.sigma });

  const wide = matchMedia("(min-width: 40rem)").matches;
  const side = wide ? 330 : 290; // of the plane
  const [mapLeft, mapTop] = wide ? [516, 0] : [152, side + 10];
  const [width, height] = wide ? [724, side] : [360, side + 10 + MAP.height + MAP.law + 8];
  const put = (name, x, y) => {
    const panel = layer(svg, "g", name);
    panel.setAttribute("transform", `translate(${x} ${y})`);
    return panel;
  };
  const planeLeft = wide ? 0 : 24;
  const plane = weightPlane(put("tikhonov-weights", planeLeft, 0), problem, state, result, side);
  const most = problem.y.reduce((sum, v) => sum + v * v, 0); // no minimum is above the loss at w = 0
  lossBar(put("tikhonov-bar", wide ? 350 : 4, wide ? 0 : mapTop), result, most, wide ? side : MAP.height + MAP.law + 8);
  const invert = noiseMap(put("tikhonov-map", mapLeft, mapTop), state);
  law(put("tikhonov-law", mapLeft, mapTop + MAP.height + (wide ? side - MAP.height - MAP.law : 8)), state);
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.setAttribute("width", wide ? width : 400);

  const words = spell(state, result);
  if (plane.outside) words.line += " It lies outside the plot.";
  line.textContent = words.line;
  notes.textContent = words.notes;
  svg.setAttribute("aria-label", "Over two weights, an ellipse of equal data fit touches an ellipse of " +
    `equal penalty at the minimum. ${words.line} ${words.notes}`);

  return (px, py, held) => {
    if (held === "minimum") return plane.nearest(px - planeLeft, py); // the noise whose minimum is nearest
    const [m, s] = invert(px - mapLeft, py - mapTop).map((v) => Math.max(0, Math.min(2, v)));
    return dropout ? { mu: (1 + Math.cos(Math.atan2(s, m - 0.5))) / 2 } : { mu: m, sigma: s };
  };
}

const FIGURE = {
  title: "Data fit and penalty",
  invite: "Drag the orange square (the noise) or the black dot (the minimum).",
  controls: CONTROLS,
  presets: {
    "σ = 0: no penalty": { noise: "any", mu: 1, sigma: 0 },
    "σ = 1.5: small w": { noise: "any", mu: 1, sigma: 1.5 },
    "Dropout: not to the origin": { noise: "dropout", mu: 0.05 },
  },
  play: { // σ grows; under dropout less and less is kept
    first: ({ noise }) => (noise === "dropout" ? { mu: 1 } : { sigma: 0 }),
    next: ({ noise, mu, sigma }) => {
      if (noise === "dropout") return mu > 0.02 ? { mu: +Math.max(0.02, mu - 0.02).toFixed(2) } : null;
      return sigma < 2 ? { sigma: +Math.min(2, sigma + 0.04).toFixed(2) } : null;
    },
    every: 90,
  },
};

export default {
  render(context) {
    const { model, el } = context;
    explore(context, {
      ...FIGURE, draw: (state, parts) => draw({ X: model.get("X"), y: model.get("y") }, state, parts),
    });
    for (const name of ["X", "y"]) model.on(`change:${name}`, () => el.querySelector("input").oninput());
  },
};
