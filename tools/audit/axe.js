// Prepares a loaded page for axe-core and runs it; `axe.py` says when and why.
window.audit = {
  /** Open every solution and every hidden cell; let colors change at once. */
  open() {
    const style = document.createElement("style");
    style.textContent = "*, ::before, ::after { transition: none !important }";
    document.head.append(style);
    for (const box of document.querySelectorAll("details")) box.open = true;
  },

  /** One box in the place of each formula, one element for each kind of token in a piece of code. */
  putTogether() {
    const formulas = [...document.querySelectorAll(".katex-html")];
    const sizes = formulas.map((formula) => formula.getBoundingClientRect());
    formulas.forEach((formula, i) => {
      const box = document.createElement("span");
      box.textContent = "x";
      box.style.display = "inline-block";
      box.style.width = `${sizes[i].width}px`;
      box.style.height = `${sizes[i].height}px`;
      formula.replaceChildren(box);
    });
    for (const markup of document.querySelectorAll(".katex-mathml")) markup.replaceChildren("x");
    const seen = new Set();
    for (const token of document.querySelectorAll("pre span, code span, dt span")) {
      const kind = `${token.closest("[class*=highlight-]")?.className} ${token.className}`;
      if (!token.className || seen.has(kind)) token.replaceWith(...token.childNodes);
      seen.add(kind);
    }
    for (const code of document.querySelectorAll("pre")) code.normalize();
  },

  /** Mark one element, with `data-look`, for each pair of text and background on the page. */
  markLooks() {
    for (const old of document.querySelectorAll("[data-look]")) old.removeAttribute("data-look");
    const grounds = new Map([[null, ""]]);
    const ground = (element) => {
      if (!grounds.has(element)) {
        const style = getComputedStyle(element);
        const own = [style.backgroundColor, style.backgroundImage, style.opacity, style.filter];
        const clear = own.join() === "rgba(0, 0, 0, 0),none,1,none";
        grounds.set(element, ground(element.parentElement) + (clear ? "" : own.join()));
      }
      return grounds.get(element);
    };
    const seen = new Set();
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      const element = texts.currentNode.parentElement;
      if (!texts.currentNode.data.trim() || !element.checkVisibility()) continue;
      const style = getComputedStyle(element);
      const around = getComputedStyle(element.parentElement).color;
      const look = [element.tagName, style.color, style.fontSize, style.fontWeight, around];
      look.push(ground(element));
      if (!seen.has(look.join())) element.dataset.look = seen.add(look.join()).size;
    }
  },

  /** What axe finds, one line for each element. */
  async run(scope, options) {
    const { violations } = await axe.run(scope, { ...options, resultTypes: ["violations"] });
    return violations.flatMap(({ id, nodes }) =>
      nodes.map((node) => `${id}: ${node.html.slice(0, 200)}`));
  },
};
