// What stands below each result of a search: the page's own text, every formula once, as TeX.
// In place of Sphinx's two functions, which show what stands around the text too, and look only for
// words as the index has them.

Search.htmlToText = (html, anchor) => {
  const article = new DOMParser().parseFromString(html, "text/html").querySelector(".bd-article");
  for (const formula of article.querySelectorAll(".katex"))
    formula.replaceWith(`$${formula.querySelector("annotation").textContent.trim()}$`);
  const furniture = ".headerlink, .notebook-links, .problem a[href$='.ipynb'], script, style, svg, "
    + ".cell details > summary";
  for (const element of article.querySelectorAll(furniture)) element.remove();
  const part = anchor && article.querySelector(`#${CSS.escape(anchor.slice(1))}`);
  return (part || article).textContent.replace(/\s+/g, " ").trim();
};

Search.makeSearchSummary = (html, keywords, anchor) => {
  const text = Search.htmlToText(html, anchor);
  const places = [...keywords].map((word) => { // letters and digits; 1x1 is a size, as in bookkit/pages/search.py
    const pattern = word.replace(/(?<=\d)x(?=\d)/g, String.raw`\s*(?:×|\\times|x)\s*`);
    return text.search(new RegExp(pattern, "i"));
  });
  const start = Math.max(0, (places.findLast((place) => place >= 0) ?? 0) - 120);
  const excerpt = document.createElement("p");
  excerpt.className = "context";
  excerpt.textContent =
    (start ? "… " : "") + text.slice(start, start + 240).trim() + (start + 240 < text.length ? " …" : "");
  return excerpt;
};
