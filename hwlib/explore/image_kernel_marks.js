// What ties photograph, window, sum and output of an image kernel together.

/** Outlines of the window and of its output, which are held, and lines to their numbers. */
export function marks(svg, at, photo, result, { row, column }) {
  const { unit } = photo;
  const corner = ({ x, y }) => [x + column * unit, y + row * unit];
  const guide = (name, d) => layer(svg, "path", name).setAttribute("d", d);
  const beside = at.width > 400; // else the numbers stand below
  const [x, y] = corner(photo);
  const [left, top] = at.window;
  const [size, side] = [3 * unit, 3 * at.cell];
  guide("kernel-read", beside ? `M${x + size} ${y}L${left} ${top}M${x + size} ${y + size}L${left} ${top + side}`
    : `M${x} ${y + size}L${left} ${top}M${x + size} ${y + size}L${left + side} ${top}`);
  const [u, v] = corner(result);
  const [sum, above] = at.sum;
  guide("kernel-write", beside ? `M${sum + 2 * at.cell} ${above + at.cell / 2}L${u} ${v + unit / 2}`
    : `M${sum + at.cell} ${above}L${u + unit / 2} ${v + unit}`);

  const outline = (name, [x, y], size) => {
    const rect = layer(svg, "rect", name);
    const [side, room] = [unit * size, 2.5]; // so that the pixels stay in sight
    for (const [key, v] of Object.entries({
      x: x - room, y: y - room, width: side + 2 * room, height: side + 2 * room,
    })) rect.setAttribute(key, v);
    return rect;
  };
  outline("kernel-window", [x, y], 3).dataset.grip = "window";
  outline("kernel-target", [u, v], 1).dataset.grip = "target";
}
