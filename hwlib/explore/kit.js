// What the explorable figures share; the Python base class puts it in front of each of them.

/** Append a new element; inside SVG it is an SVG element. */
export function add(parent, tag, attributes = {}, text = "") {
  const space = tag === "svg" ? "http://www.w3.org/2000/svg" : parent.namespaceURI;
  const node = document.createElementNS(space, tag);
  for (const name in attributes) node.setAttribute(name, attributes[name]);
  node.textContent = text;
  parent.append(node);
  return node;
}

/** The one child of this class. It outlives redrawing, so css can move it. */
export const layer = (svg, tag, name) =>
  svg.querySelector(`.${name}`) ?? add(svg, tag, { class: name });

/** A number as typeset, without its rounding error. */
export const typeset = (number) => String(+number.toPrecision(10)).replace("-", "−");

/** The numbers in "1, 4; 0, -2": a list, or a list of rows where there is a ";". */
export function parse(text) {
  const rows = text.replace(/;\s*$/, "").split(";").map((row) => row.match(/[^\s,]+/g) ?? []);
  const number = (word) => Number(word.replace("−", "-"));
  const wrong = rows.flat().find((word) => !Number.isFinite(number(word)));
  if (wrong) throw new RangeError(`“${wrong}” is not a number.`);
  if (rows.some((row) => !row.length || row.length !== rows[0].length))
    throw new RangeError("Every row needs numbers, as many as the first.");
  const numbers = rows.map((row) => row.map(number));
  return text.includes(";") ? numbers : numbers[0];
}

/** The text that `parse` reads as these numbers. */
export const unparse = (numbers) =>
  numbers[0].length ? numbers.map((row) => row.join(", ")).join("; ") + (numbers[1] ? "" : ";")
    : numbers.join(", ");

/** Put a range's value beside it and into a screen reader's mouth. */
export function say(input, value) {
  input.previousSibling.textContent = value;
  input.setAttribute("aria-valuetext", value);
}

/**
 * Bind labelled inputs to the traits they are named after, above a picture and a line read out.
 *
 * `controls` gives each trait a label and the attributes of its input: of type "range" (a number),
 * "text" (numbers) or "select" (a word, with `options`: { word: label }). `draw(state, parts)` shows
 * a state, or throws before it touches anything; it may return `(x, y) => changes`, what a pointer
 * at that place of the picture asks for. The trait `examples`, if there is one, becomes radio
 * buttons that fill text inputs. `look` is a class that css lays out: "explore-rows" has a slider a
 * row beside a high picture, "explore-stacked" has all controls above a wide one.
 */
export function explore({ model, el }, title, controls, draw, look = "") {
  const root = add(el, "div", { class: `explore ${look}`, role: "group", "aria-label": title });
  const panel = add(root, "div", { class: "explore-controls" });
  const stage = add(root, "div", { class: "explore-stage" });
  const svg = add(stage, "svg", { role: "img" });
  const line = add(stage, "p", { class: "explore-line", "aria-live": "polite" });
  const notes = add(stage, "p", { class: "explore-notes" });
  const inputs = {};
  const radios = {};
  const texts = {}; // of each example, as the reader left them
  let current, pick, seen;

  /** From the inputs to picture and model; where they make no sense say why, and lose nothing. */
  function read() {
    const state = {};
    let input;
    try {
      for (const name in inputs) {
        input = inputs[name];
        input.removeAttribute("aria-invalid");
        if (input.type === "range") say(input, typeset(+input.value));
        state[name] = input.type === "range" ? +input.value
          : input.type === "text" ? parse(input.value) : input.value;
      }
      input = null;
      pick = draw(state, { svg, line, notes, inputs, mark });
    } catch (error) {
      input?.setAttribute("aria-invalid", "true");
      line.textContent = error.message;
      root.classList.add("explore-wrong");
      return;
    }
    root.classList.remove("explore-wrong");
    seen = JSON.stringify(state);
    for (const name in inputs) model.set(name, state[name]);
    model.save_changes();
  }

  /** From the model to the inputs, unless the change began there. */
  function write() {
    const state = {};
    for (const name in inputs) state[name] = model.get(name);
    if (JSON.stringify(state) === seen) return;
    for (const name in inputs) {
      const [input, value] = [inputs[name], state[name]];
      if (input.type === "range") input.max = Math.max(input.max, value);
      input.value = value.join ? unparse(value) : value;
    }
    read();
  }

  function addInput(label, attributes, listener) {
    const box = add(panel, "label", { class: `explore-${attributes.type}` }, label);
    add(box, "b", { "aria-hidden": "true" });
    const { options, ...others } = attributes;
    // Without this data attribute JupyterLab keeps the arrow keys for itself.
    others["data-lm-suppress-shortcuts"] = "true";
    const input = add(box, options ? "select" : "input", others);
    for (const value in options) add(input, "option", { value }, options[value]);
    input.oninput = listener;
    return input;
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
    });
  }
  for (const name in controls) {
    inputs[name] = addInput(...controls[name], read);
    model.on(`change:${name}`, () => queueMicrotask(write)); // when all have changed
  }
  svg.onpointerdown = svg.onpointermove = (event) => {
    if (event.type === "pointerdown") svg.setPointerCapture(event.pointerId);
    if (!svg.hasPointerCapture(event.pointerId)) return;
    const point = new DOMPoint(event.clientX, event.clientY);
    const { x, y } = point.matrixTransform(svg.getScreenCTM().inverse());
    const changes = pick?.(x, y);
    for (const name in changes) inputs[name].value = changes[name];
    read();
  };
  // A finger on the window drags it in every direction; elsewhere it may still scroll the page.
  svg.addEventListener("touchstart", (event) => {
    if (event.target.matches(".explore-window, .explore-target")) event.preventDefault();
  });
  write();
}
