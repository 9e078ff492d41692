// A signal's window, its products and their sum, one below the other.

function drawSignal({ padding: p, dilation }, { filter: [weights], image: [x], columns, output: [y], look }, [, q], { cell, word }) {
  const [n, c] = [x.length, columns[q]];
  const [filter, products, funnel, outputs] = [1.25, 2.68, 3.05, 3.9]; // the rows, below the input
  const middle = (taps) => (taps[0] + taps.at(-1)) / 2; // an output stands below the middle of its window
  const desktop = wide();
  for (let j = -p; j < n + p; j++) {
    const padded = x[j] === undefined ? "padded" : "";
    const missed = columns.flat().includes(j) ? "" : "missed";
    const read = c.includes(j) ? "tap" : j > c[0] && j < c.at(-1) ? "skipped" : "";
    cell(j, 0, x[j] ?? 0, { class: `${padded} ${missed} ${read}`, ...(!padded && { "data-cell": `x ${j}` }) });
    if (!padded) word(j + 0.5, -0.28, j, { class: "index" });
  }
  if (desktop && p < 3 && !columns.flat().includes(n + p - 1))
    word(n + p + 0.2, 0.5, "← in no window", { class: "start" });
  weights.forEach((w, b) => cell(c[b], filter, w, { class: "filter", "data-cell": `weight ${b}` }));
  look(0, q).terms[0].forEach(({ x, w }, b) => { // each below its entry, wherever the next one is, so its sign goes with it
    const text = `${b && x * w >= 0 ? "+" : ""}${typeset(x * w)}`;
    word(c[b] + 0.5, products, text, { class: "product", "font-size": Math.min(17, 66 / text.length) });
  });
  word(middle(c) + 0.5, funnel + 0.38, "sum");
  y.forEach((v, b) => {
    cell(middle(columns[b]), outputs, v, { class: `output ${b > q ? "later" : ""}`, "data-spot": "output" });
    word(middle(columns[b]) + 0.5, outputs + 1.3, b, { class: "index" });
  });
  const left = -p - 0.3; // names: of rows at their left; on a phone above and below, or beside the filter
  const right = n - c.at(-1) > c[0] + 2;
  const name = (row, text, kind) => (desktop ? word(left, row + 0.5, text, { class: `title end ${kind}` })
    : word(right ? c.at(-1) + 1.25 : c[0] - 0.25, row + 0.5, text, { class: `title ${right ? "" : "end"} ${kind}` }));
  if (desktop) name(0, "input x", "a"), name(outputs, "output y", "b");
  else word(-p, -0.8, "input x", { class: "title a" }), word(-p, outputs + 1.8, "output y", { class: "title b" });
  name(filter, "filter w", "c");
  name(products - 0.5, "products", "");

  const width = Math.max(desktop ? 13.6 : 9.1, n + 2 * p + (desktop ? 4.4 : 0));
  const [top, foot] = desktop ? [-0.6, outputs + 1.55] : [-1.15, outputs + 2.15];
  const span = c.at(-1) - c[0] + 1;
  return {
    view: [(n - width) / 2, top, width, foot - top],
    window: [c[0], 0, span, 1],
    target: [middle(c), outputs],
    link: `M${c[0] * C} ${funnel * C}h${span * C}L${(middle(c) + 1) * C} ${outputs * C}h${-C}z`,
    first: [0, middle(columns[0])],
    step: { window: "stride", output: "stride" },
  };
}
