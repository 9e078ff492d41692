// Batch norm of Gaussian inputs: the controls, and what line and plane share.

const range = (label, min, max, step = 0.25) => [label, { type: "range", min, max, step }];
const LABELS = { mean: ["mean μ", -3, 3], std: ["sd σ", 0.25, 2, 0.05], gamma: ["scale γ", -2, 2], beta: ["shift β", -3, 3] };
const ONE = {}, TWO = {};
for (const [name, [label, ...rest]] of Object.entries(LABELS)) {
  ONE[name] = range(label, ...rest);
  TWO[name] = range(`${label}₁`, ...rest);
  TWO[`${name}2`] = range(`${label}₂`, ...rest);
}
TWO.rho = range("corr. ρ", -0.9, 0.9, 0.05);
const BATCH = { doublings: range("batch size n", 2, 10, 1), batch: ["batch", { type: "hidden" }] };
const KEYS = { a: "inputs", b: "outputs, by this batch's map", c: "outputs, very large batch", ink: "whitened, to compare" };
const LAST = 20; // batches are drawn

const FIGURE = {
  title: "Batch norm of a Gaussian",
  play: { // another batch each time, the earlier ones behind it
    first: () => ({ batch: 1 }),
    next: ({ batch }) => (batch < LAST ? { batch: batch + 1 } : null),
    every: 350,
    again: "Draw again",
  },
  look: "explore-pairs",
};
const LINE = {
  invite: "Press Draw again, or Play for 20 batches. Drag the dots of the curves.",
  controls: { ...ONE, ...BATCH },
  presets: {
    "n = 8: maps vary": { doublings: 3, batch: LAST },
    "n = 1,024: they agree": { doublings: 10, batch: LAST },
    "γ is the sd, β the mean": { gamma: 0.5, beta: 2 },
  },
};
const PLANE = {
  invite: "Drag a dot of the blue ellipse: its middle moves it, its ends stretch and turn it.",
  controls: { ...TWO, ...BATCH },
  presets: {
    "ρ = 0: a circle": { rho: 0 },
    "ρ = 0.9 is kept": { rho: 0.9 },
    "γ₁ < 0 mirrors": { gamma: -1 },
  },
};

export default {
  render({ model, el }) {
    const plane = model.get("features") === 2;
    el.addEventListener("pointerdown", () => delete grabbed.across, true);
    const draw = (state, { svg, line, notes, inputs }) => {
      const found = normalize(state, plane ? 2 : 1);
      const before = earlier(state, plane ? 2 : 1);
      const words = spell(state, found, before);
      say(inputs.doublings, `${2 ** state.doublings}`);
      line.textContent = words.line.join("\n");
      notes.textContent = words.notes;
      const keys = layer(svg.parentElement, "p", "plot-keys");
      keys.textContent = "";
      for (const look in KEYS) {
        if (look === "ink" && !plane) continue;
        add(keys, "span", { class: `explore-key plot-${look}` }, KEYS[look]);
        keys.append(" "); // where the line may break
      }
      svg.setAttribute("aria-label", `Gaussian inputs and outputs. ${words.line.join(", ")}. ${words.notes}`);
      return (plane ? clouds : bells)(svg, found, before, state);
    };
    explore({ model, el }, { ...FIGURE, ...(plane ? PLANE : LINE), draw });
  },
};
