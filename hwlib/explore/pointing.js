// Grips and spots of a picture, by mouse and by finger.

const HOLD = 22; // px around a grip at which a finger still holds it

/** How far a point of the screen lies from an element's box; 0 inside of it. */
function gap(element, { clientX, clientY }) {
  const { left, right, top, bottom } = element.getBoundingClientRect();
  return Math.hypot(Math.max(left - clientX, 0, clientX - right), Math.max(top - clientY, 0, clientY - bottom));
}

/**
 * Call `pull(x, y, name)` while a grip (`data-grip`) or spot (`data-spot`) of the picture is held: x and
 * y in the picture's units, `name` what the attribute says. A grip takes a finger in every direction;
 * elsewhere it may still scroll the page.
 */
export function pointing(svg, pull) {
  let name; // of what is held
  let offset; // of the pointer from the middle of the grip, so that nothing jumps when it is taken

  /** What a pointer here would hold: a grip under it, a spot under it, or a grip close by. */
  function under(event) {
    const size = (e) => e.getBoundingClientRect().width * e.getBoundingClientRect().height;
    const [nearest] = [...svg.querySelectorAll("[data-grip]")]
      .map((grip) => ({ grip, far: gap(grip, event), size: size(grip) }))
      .sort((a, b) => a.far - b.far || a.size - b.size);
    const spot = event.target.closest?.("[data-spot]");
    if (nearest && (nearest.far === 0 || (!spot && nearest.far < HOLD))) return nearest.grip;
    return spot;
  }
  const grips = (element) => element?.dataset.grip !== undefined;

  svg.addEventListener("pointerdown", (event) => {
    const part = under(event);
    if (!part) return;
    name = part.dataset.grip ?? part.dataset.spot;
    const { left, top, width, height } = part.getBoundingClientRect();
    offset = grips(part) ? [event.clientX - left - width / 2, event.clientY - top - height / 2] : [0, 0];
    svg.setPointerCapture(event.pointerId);
    if (!grips(part)) move(event);
  });
  svg.addEventListener("pointermove", move);
  function move(event) {
    const free = !svg.hasPointerCapture(event.pointerId);
    const part = free && under(event);
    if (free) svg.style.cursor = grips(part) ? "grab" : part ? "pointer" : "";
    for (const grip of svg.querySelectorAll("[data-grip]"))
      grip.classList.toggle("near", free ? grip === part : grip.dataset.grip === name);
    if (free) return;
    svg.style.cursor = "grabbing";
    const point = new DOMPoint(event.clientX - offset[0], event.clientY - offset[1]);
    const { x, y } = point.matrixTransform(svg.getScreenCTM().inverse());
    pull(x, y, name);
  }
  svg.addEventListener("pointerleave", () => svg.querySelector(".near")?.classList.remove("near"));
  svg.addEventListener("touchstart", (event) => {
    const { clientX, clientY } = event.touches[0];
    if (grips(under({ clientX, clientY, target: event.target }))) event.preventDefault();
  }, { passive: false });
}
