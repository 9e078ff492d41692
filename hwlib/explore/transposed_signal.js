// A signal's stamps, one below the other like the rows of a sum by hand.

function stackSignal({ stride: s, padding: p, entry }, { image: [x], filter: [w], cols, output: [z], look }, { j, q, last }, { cells, cell, word }, desktop) {
  const n = x.length;
  const [rule, sum] = [n + 0.2, n + 0.75]; // the rows below the first stamp's
  const [inputs, left] = desktop ? [-2.75, 3.75] : [-2.1, 2.75];
  const width = Math.max(desktop ? 13 : 10, left + cols.full + 0.1);
  const type = (size) => Math.max(size, desktop ? 0 : 1.3 * width); // 10 px at least on a phone
  const { terms } = look(0, q, last);
  const title = (x, y, text, kind) => word(x, y, text, { class: kind, style: `font-size: ${type(13)}px` });
  const name = (y, text, kind) => title(-0.3, y, text, `title end ${kind}`);
  title(inputs, -0.32, "input x", "title a");
  title(j ? s * j - 0.3 : w.length + 0.3, -1.15, "filter w", `title c ${j ? "end" : ""}`);
  w.forEach((v, t) => cell(s * j + t, -1.65, v, { class: "filter", "data-cell": `weight ${t}` }));
  x.forEach((v, b) => {
    const waits = b > last ? "waits" : "";
    const tap = terms.some((term) => term.j === b) ? "tap" : "";
    cell(inputs, b, v, { class: `input ${tap} ${waits}`, "data-spot": "entry", "data-cell": `x ${b}` });
    word(inputs / 2 + 0.5 - 0.1 * desktop, b + 0.5, "· w =", { "font-size": desktop ? 16 : 15 });
    if (b && !waits) word(inputs - 0.35, b + 0.5, "+", { "font-size": 17 });
    w.forEach((factor, t) => cell(s * b + t, b, v * factor,
      { class: `stamp ${!waits && s * b + t === q + p ? "tap" : ""} ${waits}`, "data-spot": "entry" }));
  });
  add(cells, "path", { d: `M${inputs * C} ${rule * C}H${cols.full * C}` });
  for (let b = -p; b < cols.full - p; b++) {
    const kept = z[b] !== undefined;
    const { terms, sum: value } = look(0, b, last);
    const rect = cell(b + p, sum, value, { class: kept ? "output" : "output padded", ...(kept && { "data-spot": "output" }) }).firstChild;
    if (kept) rect.style.fillOpacity = meeting(terms.length), word(b + p + 0.5, sum - 0.27, b, { class: "index", style: `font-size: ${type(10.5)}px` });
    word(b + p + 0.5, sum + 1.35, terms.length, { class: kept ? "count" : "count padded", "font-size": type(13) });
  }
  name(sum + 0.5, last < n - 1 ? "so far" : "sum z", "b");
  name(sum + 1.35, desktop ? "how many stamps" : "stamps", "");

  return {
    view: [-left - (width - left - cols.full - 0.1) / 2, -1.7, width, sum + 3.35],
    input: [inputs, 0], sum: [p, sum],
    corner: (e) => [s * e, e],
    link: box(q + p, 0, 1, sum), // what adds up
    entry: [inputs, j], target: [q + p, sum],
  };
}
