// A figure: controls, picture, words and buttons, bound to a widget's traits.

/** Put a range's value beside it and into a screen reader's mouth. */
export function say(input, value) {
  input.previousSibling.textContent = value;
  input.setAttribute("aria-valuetext", value);
}

/** A control for a number: its label, its slider's ends, and from one value to the next. */
export const range = (label, min, max, step = 1) => [label, { type: "range", min, max, step }];

/**
 * A figure: labelled inputs bound to the traits they are named after, a picture, words, and buttons.
 *
 * `title` and `invite` (what to do first) stand above. `controls` gives each trait a label and the
 * attributes of its input: of type "range" (a number), "text" (numbers), "select" (a word, with
 * `options`: { word: label }) or "hidden" (a number that only buttons change); with `more: true` it
 * stands in a fold below the others. `values` names the traits of the state that have no control. The trait `examples`,
 * if there is one, becomes radio buttons that fill text inputs. `presets` gives names to changes of the
 * state in which the figure began (with the example chosen since), or is a function of that state that
 * does. `play` is { first(state), next(state), every, again } (see
 * play.js).
 *
 * `draw(state, parts)` shows a state, or throws before it touches anything. In its picture an element
 * with `data-grip` is held and dragged in every direction, one with `data-spot` is pressed. What
 * `draw` returns, `(x, y, name) => changes`, is asked what a pointer at that point of the picture
 * changes; `name` is the grip or spot on which it was put down.
 *
 * The picture has the whole width, with `line` in one row below it; `look: "explore-beside"` puts a
 * picture that is about as high as wide beside line, controls and notes. Returns what cells.js needs to
 * edit numbers within the picture.
 */
export function explore({ model, el }, figure) {
  const { title, invite, controls, values = [], draw, presets = {}, look = "" } = figure;
  const compact = model.get("compact");
  const root = add(el, "div", { class: `explore ${look} ${compact ? "explore-compact" : ""}`, role: "group", "aria-label": title });
  const head = add(root, "div", { class: "explore-head" });
  add(head, "b", { class: "explore-title" }, title);
  const buttons = add(head, "span", { class: "explore-buttons" });
  add(head, "span", { class: "explore-invite" }, invite);
  const stage = add(root, "div", { class: "explore-stage" });
  const svg = add(stage, "svg", { role: "img" });
  const line = add(root, "p", { class: "explore-line", "aria-live": "polite" });
  const panel = add(root, "div", { class: "explore-controls" });
  const notes = add(root, "p", { class: "explore-notes" });
  const inputs = {};
  const radios = {};
  const texts = {}; // of each example, as the reader left them
  const pressed = []; // each preset's button and what it sets
  let current, pick, seen, more;

  /** From the inputs to picture and model; where they make no sense say why, and lose nothing. */
  function read() {
    const state = given(values);
    let input;
    try {
      for (const name in inputs) {
        input = inputs[name];
        input.removeAttribute("aria-invalid");
        if (input.type === "range") say(input, typeset(+input.value));
        state[name] = ["range", "hidden"].includes(input.type) ? +input.value
          : input.type === "text" ? parse(input.value) : input.value;
      }
      input = null;
      pick = draw(state, { svg, line, notes, inputs, mark, compact });
    } catch (error) {
      input?.setAttribute("aria-invalid", "true");
      line.textContent = error.message;
      root.classList.add("explore-wrong");
      return;
    }
    root.classList.remove("explore-wrong");
    seen = JSON.stringify(state);
    for (const [button, changes] of pressed)
      button.setAttribute("aria-pressed", Object.keys(changes).every((k) => alike(changes[k], state[k])));
    for (const name in inputs) model.set(name, state[name]);
    model.save_changes();
  }

  const alike = (a, b) => JSON.stringify(a) === JSON.stringify(b);
  const given = (names) => Object.fromEntries(names.map((name) => [name, model.get(name)]));
  const now = () => given([...values, ...Object.keys(inputs)]);

  /** Put values into their inputs; a slider's end moves out where a value lies beyond it. */
  function fill(changes) {
    for (const name in changes) {
      const [input, value] = [inputs[name], changes[name]];
      if (!input) continue;
      if (input.type === "range") input.max = Math.max(input.max, value);
      input.value = value.join ? unparse(value) : value;
    }
  }

  const change = (changes) => (fill(changes), read());

  /** From the model to the inputs, unless the change began there. */
  function write() {
    if (JSON.stringify(now()) !== seen) change(now());
  }

  function addInput(label, attributes, listener) {
    const box = add(attributes.more ? fold() : panel, "label", { class: `explore-${attributes.type}` }, label);
    add(box, "b", { "aria-hidden": "true" });
    const { options, more, ...others } = attributes;
    // Without this data attribute JupyterLab keeps the arrow keys for itself.
    others["data-lm-suppress-shortcuts"] = "true";
    const input = add(box, options ? "select" : "input", others);
    for (const value in options) add(input, "option", { value }, options[value]);
    input.oninput = listener;
    return input;
  }

  /** Where the controls are of which few readers have need. */
  function fold() {
    if (more) return more;
    const box = add(panel, "details", { class: "explore-more" });
    add(box, "summary", {}, "More settings");
    return (more = add(box, "div", {}));
  }

  function addButton(parent, label, listener) {
    const button = add(parent, "button", { type: "button" }, label);
    button.onclick = listener;
    return button;
  }

  /** Say which example the state is like. */
  function mark(name) {
    current = name;
    if (radios[name]) radios[name].checked = true;
  }

  const group = `explore-${Math.random()}`; // radio buttons of one name exclude each other page-wide
  for (const [name, values] of Object.entries(model.get("examples") ?? {})) {
    texts[name] = Object.fromEntries(Object.entries(values).map(([k, v]) => [k, unparse(v)]));
    radios[name] = addInput(name, { type: "radio", name: group }, () => {
      const left = (texts[current] ??= {});
      for (const key in values) {
        left[key] = inputs[key].value;
        inputs[key].value = texts[name][key];
      }
      current = name;
      read();
      base = { ...start, ...given(Object.keys(values)) };
    });
  }
  for (const name in controls) inputs[name] = addInput(...controls[name], read);
  for (const name in now()) model.on(`change:${name}`, () => queueMicrotask(write)); // when all have changed
  const start = now();
  let base = start; // of the presets: as it began, but for the example that the reader chose
  if (figure.play) player(figure.play, { root, model, line, now, change, button: (...args) => addButton(buttons, ...args) });
  addButton(buttons, "Reset", () => change((base = start)));
  const row = add(head, "div", { class: "explore-presets" });
  for (const [name, changes] of Object.entries(typeof presets === "function" ? presets(start) : presets))
    pressed.push([addButton(row, name, () => change({ ...base, ...changes })), changes]);
  pointing(svg, (x, y, name) => change(pick?.(x, y, name) ?? {}));
  write();
  matchMedia("(min-width: 40rem)").addEventListener("change", read); // a picture may be laid out anew
  return { root, stage, svg, inputs, read };
}
