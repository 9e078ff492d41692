// An image's stamp: what one entry makes of the filter, and where it is added.

function stackImage({ stride: s, padding: p }, { image, filter, rows, cols, output, look }, { i, j, o, q, last, name }, { cell, word }, desktop) {
  const [high, across, kh, kw] = [rows.m, cols.m, rows.k, cols.k];
  // Upper left corners, in cells from that of the input; the sum's is that of all that is added.
  let [fx, fy] = [0, high + 0.95]; // the filter
  const column = Math.max(across, kw) + 1.3;
  let [sx, sy, zx, zy] = [column, (rows.full - kh) / 2, column + kw + 1.7, 0]; // a stamp, the sum
  if (!desktop) [fx, fy, sx, sy, zx, zy] = [across + 0.7, 0, across + kw + 1.4, 0, 0, Math.max(high, kh) + 1.1];
  const total = Math.max(zx + cols.full, sx + kw);
  if (!desktop) zx = (total - cols.full) / 2;
  const title = (x, y, text, kind) => word(x, y - 0.32, text, { class: `title ${kind}` });
  const { terms } = look(o, q, last);
  const from = (terms, a, b) => terms.find(({ i, j }) => i === a && j === b);

  title(0, 0, "input x", "a");
  image.forEach((row, a) => row.forEach((v, b) => {
    const tap = from(terms, a, b);
    cell(b, a, v, {
      class: `input ${tap ? "tap" : ""} ${a * across + b > last ? "waits" : ""}`, "data-spot": "entry",
      "data-cell": `x ${a} ${b}`, below: tap && `×${typeset(tap.w)}`,
    });
  }));
  title(fx, fy, "filter w", "c");
  title(sx, sy, `${name} · w`, "c");
  filter.forEach((row, a) => row.forEach((w, b) => {
    cell(fx + b, fy + a, w, { class: "filter", "data-cell": `weight ${a} ${b}` });
    cell(sx + b, sy + a, image[i][j] * w, { class: "stamp" });
  }));
  title(zx, zy, last < high * across - 1 ? "so far" : "sum z", "b");
  word(zx + 1.75, zy - 0.32, "darker: more stamps", { class: "start" });
  for (let a = -p; a < rows.full - p; a++)
    for (let b = -p; b < cols.full - p; b++) {
      const kept = output[a]?.[b] !== undefined;
      const { terms, sum } = look(a, b, last);
      const [x, y] = [zx + b + p, zy + a + p];
      const rect = cell(x, y, sum, {
        class: `output ${kept ? "" : "padded"}`, ...(kept && { "data-spot": "output" }),
      }).firstChild;
      if (kept) rect.style.fillOpacity = meeting(terms.length);
    }

  const corner = (e) => [zx + s * (e % across), zy + s * Math.floor(e / across)];
  const [wx, wy] = corner(i * across + j);
  const line = (x, y, [to, down]) => `M${x * C} ${y * C}L${to * C} ${down * C}`;
  const width = Math.max(total, desktop ? 16.4 : 10);
  const height = Math.max(zy + rows.full, desktop ? fy + kh : 0) + 0.1;
  const up = Math.max(0, 7 - height) / 2 * desktop; // as high as with three by three
  return {
    view: [(total - width) / 2 - 0.05, -0.65 - up, width + 0.1, height + 0.65 + 2 * up],
    input: [0, 0], sum: [zx + p, zy + p], corner,
    link: desktop ? line(sx + kw, sy, [wx, wy]) + line(sx + kw, sy + kh, [wx, wy + kh])
      : line(sx, sy + kh, [wx, wy]) + line(sx + kw, sy + kh, [wx + kw, wy]),
    entry: [j, i], target: [zx + q + p, zy + o + p],
  };
}
