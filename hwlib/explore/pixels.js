// Pictures made of pixels, within the SVG of a figure; joined behind kit.js.

const BLUE = [59, 130, 196]; // what figures draw in input's and filter's colour, in both modes
const ORANGE = [201, 96, 26];
const part = (v) => Math.max(0, Math.min(1, v));

/** The bytes in a base64 text. */
export const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt());

/** Two palettes, number => [red, green, blue, opacity]: black to `white`; blue above 0, orange below. */
export const grays = (white) => (v) => [255 * part(v / white), 255 * part(v / white), 255 * part(v / white), 255];
export const signs = (full) => (v) => [...(v < 0 ? ORANGE : BLUE), 255 * part(Math.abs(v) / full)];

/** A palette's colour as a style, and one that is pale enough for text. */
const rgb = ([red, green, blue, opacity]) => `fill: rgb(${red}, ${green}, ${blue}); fill-opacity: ${opacity / 255}`;
const pale = ([red, green, blue, opacity]) => rgb([red, green, blue, opacity / 2]);

/**
 * Draw numbers, row after row, as pixels of side `unit` from the point x, y on. The group `name` keeps
 * its place in the picture; a palette's null is no pixel at all.
 */
export function raster(svg, name, { values, width, height }, palette, { x, y, unit }) {
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  for (let i = 0; i < values.length; i++) image.data.set(palette(values[i]), 4 * i);
  context.putImageData(image, 0, 0);
  const group = layer(svg, "g", name);
  const fresh = add(group, "image", {
    x, y, width: unit * width, height: unit * height, preserveAspectRatio: "none", class: "pixels",
  });
  // The one before goes when the new one is there, or the picture would flicker.
  fresh.onload = () => { while (group.firstChild !== fresh) group.firstChild.remove(); };
  fresh.setAttribute("href", canvas.toDataURL());
  return group;
}
