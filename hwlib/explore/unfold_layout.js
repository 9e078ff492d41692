// Filter, image and output, and below each of them what it is for the matrix product.

/** Where the middles of the three columns lie, and the two rows' upper ends, in cells. */
function layout({ image, filter, output, row, columns }, fold) {
  const [high, n, across] = [image.length, image[0].length, columns[0].length];
  const widths = fold ? [Math.max(n, across), n, n] : wide() ? [Math.max(row.length, n, 4), Math.max(across, n, 6), Math.max(across, output[0].length, n, 6)]
    : [filter[0].length, n, output[0].length];
  const middles = widths.map((w, k) => widths.slice(0, k).reduce((sum, w) => sum + w + 1.1, w / 2));
  let width = middles[2] + widths[2] / 2;
  const below = Math.max(high, filter.length) + 1.45; // where the matrix begins
  if (wide()) return { middles, width, below, matrix: middles[fold ? 0 : 1], row: middles[0], product: [middles[2], below + (row.length - 1) / 2], height: below + Math.max(row.length, 4) };
  if (fold) { // the image beside the matrix, below the copies
    const [left, right] = [Math.max(across, n), Math.max(across, n) + 1.1 + n / 2];
    return { middles: [left / 2, right, right], width: right + n / 2, below, matrix: left / 2, height: below + Math.max(row.length, high) };
  }
  width = Math.max(width, across + row.length + 1.1);
  const left = (width - middles[2] - widths[2] / 2) / 2;
  const matrix = width - across / 2; // on a phone the product stands below it
  return {
    middles: middles.map((x) => x + left), width, below, matrix,
    row: Math.max(row.length / 2, Math.min(width - across - 1.1 - row.length / 2, left + middles[0])), // below the filter
    product: [matrix, below + row.length + 0.4], height: below + row.length + 1.4,
  };
}

/** The number of window and column, at each of them. */
function tag(svg, places, number, style) {
  layer(svg, "g", "unfold-tags").remove();
  const tags = layer(svg, "g", "unfold-tags");
  for (const [x, y] of places) {
    add(tags, "circle", { cx: x * C, cy: y * C, r: 10 });
    add(tags, "text", { x: x * C, y: y * C, style }, number);
  }
}
