// An image's window, its products with the filter, and their sum, from left to right.

function drawImage({ padding: p, at }, { filter, image, rows, columns, output, look }, [o, q], { cell, word }, compact) {
  const [high, across] = [image.length, image[0].length];
  const [kh, kw] = [filter.length, filter[0].length];
  const [r, c] = [rows[o], columns[q]];
  const border = Math.max(p, compact ? 0 : 1); // room for padding 1, so that it changes no size
  const below = !wide() && !compact; // the output, below the input
  // Upper left corners, in cells from that of the image.
  let [fx, fy] = [across + border + 1.3, (high - 2 * kh - 0.7) / 2]; // the filter; its products below it
  let [ox, oy] = [fx + Math.max(kw, 2) + 1.7, Math.min((high - output.length) / 2, high + border - output.length)];
  if (below) [fy, ox, oy] = [-p, -p, Math.max(high + border, 2 * kh + 0.7 - p) + 0.9];
  if (compact) [fy, ox, oy] = [-p, fx, kh + 0.9 - p];
  const py = fy + kh + 0.7;
  const [large, heavy] = [image, filter].map((rows) => Math.max(...rows.flat().map(Math.abs)));
  const all = shades([image, filter, [large * heavy], output].flat(2)); // one number, one tint,
  const [inked, weighed, lit] = compact ? [image, filter, output].map(shades) : [all, all, all]; // where there are products
  const name = (x, y, text, kind) => word(x, y - 0.3, text, { class: `title ${kind}` });

  name(-p, -p, "input x", "a");
  for (let i = -p; i < high + p; i++)
    for (let j = -p; j < across + p; j++) {
      const value = image[i]?.[j];
      const tap = r.includes(i) && c.includes(j);
      const padded = value === undefined ? "padded" : "";
      const skipped = !tap && i >= r[0] && i <= r.at(-1) && j >= c[0] && j <= c.at(-1);
      const missed = rows.flat().includes(i) && columns.flat().includes(j) ? "" : "missed";
      cell(j, i, value ?? 0, {
        class: `${padded} ${missed} ${tap ? "read" : skipped ? "skipped" : ""}`,
        ...(!padded && { "data-cell": `x ${i} ${j}`, ...(!skipped && { shade: inked(value) }) }),
        below: tap && !compact && `×${typeset(filter[r.indexOf(i)][c.indexOf(j)])}`,
      });
    }
  name(fx, fy, "filter w", "c");
  filter.forEach((row, a) => row.forEach((w, b) =>
    cell(fx + b, fy + a, w, { class: "filter", "data-cell": `weight ${a} ${b}`, shade: weighed(w) })));
  if (!compact) {
    word(fx + (below ? Math.max(kw, 2) : kw / 2), fy + kh + 0.35, "window × filter =", below && { class: "end" });
    look(o, q).terms.forEach((row, a) => row.forEach(({ x, w }, b) => cell(fx + b, py + a, x * w, { class: "product", shade: all(x * w) })));
    word(fx + kw / 2, py + kh + 0.32, "products");
    if (!below) word(fx + kw + 0.7, py + kh / 2, "sum", { "font-size": 15 });
  }
  name(ox, oy, "output y", "b");
  output.forEach((row, a) => row.forEach((y, b) => cell(ox + b, oy + a, y, {
    class: `output ${a * columns.length + b > at ? "later" : ""}`, "data-spot": "output", shade: lit(y),
  })));

  const [w, h] = [c, r].map((taps) => taps.at(-1) - taps[0] + 1);
  // Wedges lead from the window and the filter to the products, and from them to their sum.
  const wedge = (...corners) => `M${corners.map(([x, y]) => `${x * C} ${y * C}`).join("L")}z`;
  const right = (x, y, w, h) => [[x + w, y], [x + w, y + h]];
  const left = (x, y, h) => [[x, y + h], [x, y]];
  const [seen, target] = [right(c[0], r[0], w, h), left(ox + q, oy + o, 1)];
  const link = compact ? "" // of which the window would hide the most
    : wedge(...seen, ...left(fx, py, kh)) + wedge([fx, fy + kh], [fx + kw, fy + kh], [fx + kw, py], [fx, py]) +
      (below ? wedge([fx, py + kh], [fx + kw, py + kh], [ox + q + 1, oy + o + 1], [ox + q + 1, oy + o])
        : wedge(...right(fx, py, kw, kh), ...target));
  // The output is as large as it can be without a stride and with that border, whatever it is now.
  const most = (n, k) => Math.max(n + 2 * border - k + 1, 2);
  let width = Math.max(ox + most(across, kw) + border, 16);
  const height = Math.max(high + 2 * border, 2 * kh + 1.3) + 0.7;
  let view = [-border - (width - ox - most(across, kw) - border) / 2, (high - height - 0.65) / 2, width, height];
  if (below) {
    width = fx + Math.max(kw, 2) + border;
    view = [-border, -p - 0.65, width, oy + most(high, kh) + p + 0.65];
  }
  if (compact) view = [-p, -p - 0.65, ox + Math.max(output[0].length, 3) + p, Math.max(high + p, oy + output.length) + p + 0.65];
  const pad = 0.07; // half of an outline
  return {
    view: [view[0] - pad, view[1], view[2] + 2 * pad, view[3] + pad],
    window: [c[0], r[0], w, h],
    target: [ox + q, oy + o],
    link,
    ground: box(-p, -p, across + 2 * p, high + 2 * p) + box(ox, oy, columns.length, rows.length) +
      box(fx, fy, kw, kh) + (compact ? "" : box(fx, py, kw, kh)),
    taps: r.flatMap((i) => c.map((j) => box(j, i))).join(""),
    first: [(rows[0][0] + rows[0].at(-1)) / 2, (columns[0][0] + columns[0].at(-1)) / 2],
    start: [oy, ox],
  };
}
