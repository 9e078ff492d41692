// An image's window, its products with the filter, and their sum, from left to right.

function drawImage({ padding: p, at, stride }, { filter, image, rows, columns, output, look }, [o, q], { cell, word }, compact) {
  const [high, across] = [image.length, image[0].length];
  const [kh, kw] = [filter.length, filter[0].length];
  const [r, c] = [rows[o], columns[q]];
  const desktop = wide() && !compact;
  const border = Math.max(p, desktop ? 1 : 0); // room for padding 1, so that it changes no size
  // Upper left corners, in cells from that of the image.
  let [fx, fy] = [across + border + 1.3, (high - 2 * kh - 0.5) / 2]; // the filter; its products below it
  let [ox, oy] = [fx + Math.max(kw, 2) + 1.7, Math.min((high - output.length) / 2, high + border - 0.85 - output.length)];
  if (compact) [fy, ox, oy] = [-p, fx, kh + 0.9 - p];
  else if (!desktop) [fx, fy, ox, oy] = [-p, high + p + 0.9, kw + 1 - p, high + p + 0.9];
  const py = fy + kh + 1;
  const [inked, weighed, lit] = [image, filter, output].map(shades);
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
  const { terms, sum } = look(o, q);
  if (desktop) {
    const shade = shades([[Math.max(...image.flat().map(Math.abs)) * Math.max(...filter.flat().map(Math.abs))]]);
    name(fx, py, "products", "");
    terms.forEach((row, a) => row.forEach(({ x, w }, b) => cell(fx + b, py + a, x * w, { class: "product", shade: shade(x * w) })));
    word(fx + kw + 0.6, py + kh / 2 + 0.4, "sum", { "font-size": 15 });
    word(ox + output[0].length / 2, oy + output.length + 0.55, `y[${o}, ${q}] = ${typeset(sum)}`, { class: "title b middle" });
  }
  name(ox, oy, "output y", "b");
  output.forEach((row, a) => row.forEach((y, b) => cell(ox + b, oy + a, y, {
    class: `output ${a * columns.length + b > at ? "later" : ""}`, "data-spot": "output", shade: lit(y),
  })));

  const [w, h] = [c, r].map((taps) => taps.at(-1) - taps[0] + 1);
  // Arrows run between the grids, not across their numbers: from the window's rows, and from the products.
  const bend = (...ends) => {
    const [x, y, tip, level] = ends.map((v) => v * C);
    const middle = (x + tip) / 2;
    return `M${x} ${y}C${middle} ${y} ${middle} ${level} ${tip} ${level}M${tip - 9} ${level - 5}L${tip} ${level}L${tip - 9} ${level + 5}`;
  };
  const beside = [across + p + 0.12, r[0] + h / 2];
  const link = compact ? bend(...beside, ox - 0.12, oy + o + 0.5) : bend(...beside, fx - 0.12, py + kh / 2);
  const arrow = bend(fx + kw + 0.15, py + kh / 2, ox - 0.15, oy + o + 0.5);
  // The output is as large as it can be without a stride and with that border, whatever it is now.
  const most = (n, k) => Math.max(n + 2 * border - k + 1, 2);
  const large = Math.max(across + 2, kw + 1 + across + 3 - kw);
  let view = [-p, -p - 0.65, Math.max(across + 2 * p, ox + output[0].length + p, large), oy + Math.max(kh, output.length) + p + 0.65];
  if (compact) view[2] = ox + Math.max(output[0].length, 3) + p, view[3] = Math.max(high + p, oy + output.length) + p + 0.65;
  if (desktop) {
    const width = Math.max(ox + most(across, kw) + border, 16);
    const height = Math.max(high + 2 * border, 2 * kh + 1.1) + 0.7;
    view = [-border - (width - ox - most(across, kw) - border) / 2, (high - height - 0.65) / 2, width, height];
  }
  const pad = 0.07; // half of an outline
  return {
    view: [view[0] - pad, view[1], view[2] + 2 * pad, view[3] + pad],
    window: [c[0], r[0], w, h],
    target: [ox + q, oy + o],
    link: desktop || compact ? link : "",
    arrow: desktop ? arrow : "",
    taps: r.flatMap((i) => c.map((j) => box(j, i))).join(""),
    first: [(rows[0][0] + rows[0].at(-1)) / 2, (columns[0][0] + columns[0].at(-1)) / 2],
    start: [oy, ox],
  };
}
