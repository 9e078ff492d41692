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
  const head = desktop ? zy : zy + rows.full + 0.9; // on a phone the arrow comes from above
  title(zx, head, last < high * across - 1 ? "so far" : "sum z", "b");
  word(zx + 1.75, head - 0.32, "darker: more stamps", { class: "start", "font-size": desktop ? 13 : 15 });
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
  // An arrow from the stamp to the edge of the sum, beside or above where it is added.
  const path = (...numbers) => numbers.map((v) => v * C).join(" ");
  const [beside, above] = [[sx + kw + 0.12, sy + kh / 2, zx - 0.12, wy + kh / 2], [sx + kw / 2, sy + kh + 0.12, wx + kw / 2, zy - 0.12]];
  const link = ([x, y, u, v]) => desktop ? `M${path(x, y)}C${path((x + u) / 2, y, (x + u) / 2, v, u, v)}M${path(u - 0.23, v - 0.13)}L${path(u, v)}L${path(u - 0.23, v + 0.13)}`
    : `M${path(x, y)}C${path(x, (y + v) / 2, u, (y + v) / 2, u, v)}M${path(u - 0.13, v - 0.23)}L${path(u, v)}L${path(u + 0.13, v - 0.23)}`;
  const width = Math.max(total, desktop ? 14.2 : 10);
  const height = Math.max(zy + rows.full + (desktop ? 0 : 0.7), desktop ? fy + kh : 0) + 0.1;
  const up = Math.max(0, 6 - height) / 2 * desktop; // so that not every change moves what is below
  return {
    view: [(total - width) / 2 - 0.05, -0.65 - up, width + 0.1, height + 0.65 + 2 * up],
    input: [0, 0], sum: [zx + p, zy + p], corner,
    link: link(desktop ? beside : above),
    entry: [j, i], target: [zx + q + p, zy + o + p],
  };
}
