// A map of noises and what each does to the weights: drag the noise or the minimum.

const CONTROLS = {
  mu: ["mean μ", { type: "range", min: 0, max: 2, step: 0.01, more: true }],
  sigma: ["std. dev. σ", { type: "range", min: 0, max: 2, step: 0.01, more: true }],
  noise: ["noise", { type: "select", options: { any: "any distribution", dropout: "dropout" }, more: true }],
};

function draw(state, { svg, line, notes, inputs }) {
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
  const result = balance(state);

  const wide = matchMedia("(min-width: 40rem)").matches;
  const [side, width, height] = wide ? [200, 756, 368] : [196, 316, 574]; // of the map and of all
  const [left, top, across, down] = wide ? [274, 0, 482, 368] : [0, 268, 316, 306]; // of the plane
  const aside = wide ? 0 : 26; // of the map
  const put = (name, x, y) => {
    const panel = layer(svg, "g", name);
    panel.setAttribute("transform", `translate(${x} ${y})`);
    return panel;
  };
  const invert = noiseMap(put("tikhonov-map", aside, 0), state, side);
  const plane = weightPlane(put("tikhonov-weights", left, top), state, result, across, down);
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.setAttribute("width", width);

  const words = spell(state, result);
  if (plane.outside) words.line.push(["", " It lies outside the plot."]);
  line.replaceChildren();
  for (const [look, text] of words.line) add(line, "span", { class: look }, text);
  notes.textContent = words.notes;
  svg.setAttribute("aria-label", "Over two weights, an ellipse of equal data fit touches an ellipse of equal penalty at the minimum. " +
    `${line.textContent} ${words.notes}`);

  return (px, py, held) => {
    if (held === "minimum") return plane.nearest(px - left, py - top); // the noise whose minimum is nearest
    const [m, s] = invert(px - aside, py).map((v) => Math.max(0, Math.min(2, v)));
    return dropout ? { mu: (1 + Math.cos(Math.atan2(s, m - 0.5))) / 2 } : { mu: m, sigma: s };
  };
}

const FIGURE = {
  title: "Where fit and penalty balance",
  invite: "Press Play: more noise. Where does the minimum, the dot, go? Or drag the orange square.",
  controls: CONTROLS,
  values: ["X", "y"],
  draw,
  presets: {
    "Weak noise": { noise: "any", mu: 1, sigma: 0.5 },
    "Strong noise": { noise: "any", mu: 1, sigma: 2 },
    Dropout: { noise: "dropout", mu: 0.3 },
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

export default { render: (context) => { explore(context, FIGURE); } };
