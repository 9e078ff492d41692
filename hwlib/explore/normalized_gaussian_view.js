// Batch norm of Gaussian inputs: controls and presets, on a line and in the plane.

const LABELS = { mean: ["mean μ", -4, 4, 0.05], std: ["sd σ", 0.25, 2, 0.01], gamma: ["scale γ", -2, 2, 0.05], beta: ["shift β", -3, 3, 0.05] };
const RHO = ["corr. ρ", -0.9, 0.9, 0.01];
/** What a grip asks for, within the ranges. */
const limited = (changes) => Object.fromEntries(Object.entries(changes).map(([name, value]) => {
  const [, least, most] = name === "rho" ? RHO : LABELS[name.replace("2", "")];
  return [name, Math.max(least, Math.min(most, value))];
}));
const ONE = Object.fromEntries(Object.entries(LABELS).map(([name, rest]) => [name, range(...rest)]));
for (const name in ONE) ONE[name][1].more = true; // the picture does it
const TWO = {};
for (const name in LABELS)
  for (const [k, key] of [["₁", name], ["₂", `${name}2`]]) {
    const [label, ...rest] = LABELS[name];
    TWO[key] = range(`${label}${k}`, ...rest);
    TWO[key][1].more = true;
  }
const LAST = 20; // batches are drawn
const LINE = {
  title: "Batch norm of a Gaussian",
  invite: "Press Play: each batch has its own map. Or drag μ and σ.",
  controls: { doublings: range("batch size n", 2, 10), ...ONE, batch: ["batch", { type: "hidden" }] },
  presets: {
    "n = 8: curves vary": { doublings: 3, batch: LAST },
    "n = 1,024: they agree": { doublings: 10, batch: LAST },
    "γ = ½, β = 2: batch sd ½, mean 2": { gamma: 0.5, beta: 2 },
  },
  play: { // another batch each time, the earlier ones behind it
    first: () => ({ batch: 1 }),
    next: ({ batch }) => (batch < LAST ? { batch: batch + 1 } : null),
    every: ({ batch }) => (batch < 4 ? 1000 : 350), // the first ones can be read
    again: "Draw again",
  },
};
const PLANE = {
  title: "Batch norm of two features",
  invite: "Press Play: subtract the means, then divide by the sds. Or drag the blue dots.",
  controls: {
    rho: range(...RHO), doublings: range("batch size", 2, 10), ...TWO,
    batch: ["batch drawn", { ...range("", 1, LAST)[1], more: true }],
    stage: ["step", { type: "hidden" }],
  },
  presets: {
    "ρ = 0: nearly a circle": { rho: 0, stage: 2 },
    "ρ = 0.9: stays thin": { rho: 0.9, stage: 2 },
    "γ₁ = −1: mirrored": { gamma: -1, stage: 2 },
  },
  play: {
    first: () => ({ stage: 0 }),
    next: ({ stage }) => (stage < 2 ? { stage: stage + 1 } : null),
    every: ({ stage }) => (stage ? 2500 : 1200), // at first only the inputs are there
  },
};

export default {
  render({ model, el }) {
    const features = model.get("features");
    el.addEventListener("pointerdown", ({ target }) => {
      delete grabbed.across;
      grabbed.frame = target.closest("svg")?.frame;
    }, true);
    const draw = (state, { svg, line, notes, inputs }) => {
      const found = normalize(state, features);
      const before = features === 1 ? earlier(state, 1) : [];
      const words = spell(state, found, before);
      say(inputs.doublings, `${2 ** state.doublings}`);
      line.textContent = words.line;
      notes.textContent = words.notes;
      svg.setAttribute("aria-label", `Gaussian inputs and outputs. ${words.line} ${words.drawn ?? ""} ${words.notes}`);
      const pick = features === 2 ? clouds(svg, found, state) : bells(svg, found, before, state, earlier({ ...state, batch: LAST + 1 }, 1));
      return (...held) => limited(pick(...held));
    };
    const { read } = explore({ model, el }, { ...(features === 2 ? PLANE : LINE), draw });
    for (const end of ["pointerup", "pointercancel"])
      el.addEventListener(end, () => grabbed.frame && (delete grabbed.frame, read()));
  },
};
