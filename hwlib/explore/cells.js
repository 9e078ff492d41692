// Numbers that are edited where they stand in the picture; joined behind kit.js.

/**
 * Let a click on a cell (`data-cell="x 0 3"`: entry [0, 3] of the numbers in the input `x`; `x 3` of a
 * list) open a field on it. Enter or leaving it keeps what was typed, Escape does not, and the arrow
 * keys count up and down.
 */
export function editable({ stage, svg, inputs, read }) {
  let down;
  svg.addEventListener("pointerdown", ({ clientX, clientY }) => { down = [clientX, clientY]; });
  svg.addEventListener("click", ({ clientX, clientY }) => {
    if (Math.hypot(clientX - down[0], clientY - down[1]) > 4) return; // it was a drag
    // The event's own target is the whole picture where something in it was held.
    const cell = document.elementsFromPoint(clientX, clientY)
      .map((element) => element.closest("[data-cell]")).find((found) => svg.contains(found));
    if (cell) open(cell);
  });

  function open(cell) {
    const [name, ...place] = cell.dataset.cell.split(" ");
    const numbers = parse(inputs[name].value);
    const row = place.length > 1 ? numbers[place[0]] : numbers;
    const column = place.at(-1);
    const [box, frame] = [cell, stage].map((element) => element.getBoundingClientRect());
    const field = add(stage, "input", {
      class: "explore-cell", inputmode: "decimal", "aria-label": `${name}[${place.join(", ")}]`,
      "data-lm-suppress-shortcuts": "true", autocomplete: "off",
      style: `left: ${box.left - frame.left}px; top: ${box.top - frame.top}px; ` +
        `width: ${box.width}px; height: ${box.height}px`,
    });
    field.value = typeset(row[column]);
    const put = () => {
      const value = Number(field.value.replace("−", "-"));
      if (field.value.trim() === "" || !Number.isFinite(value)) return;
      row[column] = value;
      inputs[name].value = unparse(numbers);
      read();
    };
    const before = row[column];
    field.oninput = put;
    field.onblur = () => field.remove();
    field.onkeydown = (event) => {
      const by = { ArrowUp: 1, ArrowDown: -1 }[event.key];
      if (event.key === "Escape") field.value = typeset(before), put();
      if (event.key === "Escape" || event.key === "Enter") return field.blur();
      if (!by) return;
      event.preventDefault();
      field.value = typeset(row[column] + by);
      put();
    };
    field.focus();
    field.select();
  }
}
