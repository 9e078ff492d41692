// Batch norm of Gaussian inputs: the controls, and what line and plane share.

const LABELS = { mean: ["mean μ", -3, 3, 0.25], std: ["sd σ", 0.25, 2, 0.05], gamma: ["scale γ", -2, 2, 0.25], beta: ["shift β", -3, 3, 0.25] };
const ONE = {}, TWO = {};
for (const [name, [label, ...rest]] of Object.entries(LABELS)) {
  ONE[name] = range(label, ...rest);
  TWO[name] = range(`${label}₁`, ...rest);
  TWO[`${name}2`] = range(`${label}₂`, ...rest);
}
TWO.rho = range("corr. ρ", -0.9, 0.9, 0.05);
const BATCH = { doublings: range("batch size n", 2, 10), batch: ["batch", { type: "hidden" }] };
const KEYS = { a: "inputs", b: "by this batch's map", ghost: "earlier batches", c: "in a very large batch" };
const LAST = 20; // batches are drawn

const FIGURE = {
  play: { // another batch each time, the earlier ones behind it
    first: () => ({ batch: 1 }),
    next: ({ batch }) => (batch < LAST ? { batch: batch + 1 } : null),
    every: 350,
    again: "Draw again",
  },
  look: "explore-pairs",
};
const LINE = {
  title: "Batch norm of a Gaussian",
  invite: "Press Draw again, or Play for 20 batches. Drag the dots of the curves.",
  controls: { ...ONE, ...BATCH },
  presets: {
    "n = 8: maps vary": { doublings: 3, batch: LAST },
    "n = 1,024: they agree": { doublings: 10, batch: LAST },
    "γ is the sd, β the mean": { gamma: 0.5, beta: 2 },
  },
};
const PLANE = {
  title: "Batch norm of two features",
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
    el.addEventListener("pointerdown", ({ target }) => {
      delete grabbed.across;
      grabbed.frame = target.closest("svg")?.frame;
    }, true);
    const draw = (state, { svg, line, notes, inputs }) => {
      const found = normalize(state, plane ? 2 : 1);
      const every = earlier({ ...state, batch: LAST + 1 }, plane ? 2 : 1);
      const before = every.slice(0, state.batch - 1);
      const words = spell(state, found, before);
      say(inputs.doublings, `${2 ** state.doublings}`);
      line.textContent = words.line.join("\n");
      notes.textContent = words.notes;
      const keys = layer(svg.parentElement, "p", "plot-keys");
      keys.textContent = "";
      const shown = { ...KEYS, ...(plane ? { ink: "whitened, to compare" } : { mean: "path of the mean μ" }) };
      for (const look in shown) {
        add(keys, "span", { class: `explore-key plot-${look}` }, shown[look]);
        keys.append(" "); // where the line may break
      }
      svg.setAttribute("aria-label", `Gaussian inputs and outputs. ${words.line.join(", ")}. ${words.notes}`);
      return (plane ? clouds : bells)(svg, found, before, state, every);
    };
    const { read } = explore({ model, el }, { ...FIGURE, ...(plane ? PLANE : LINE), draw });
    for (const end of ["pointerup", "pointercancel"])
      el.addEventListener(end, () => grabbed.frame && (delete grabbed.frame, read()));
  },
};
