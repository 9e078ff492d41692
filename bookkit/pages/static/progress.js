// What the reader has answered: a tick at the exercise, a count beside the page in the contents, and
// one wherever a page asks for it: an element with data-progress="chapters/NAME" reads "2 of 6", or
// "✓" once all the answers of that page are right; before the first it is empty. The answers are
// kept by the boxes (hwlib/explore/answer.js) in this browser; nothing is sent anywhere.
// bookkit/pages/exercises.py puts ANSWERS, the names of all boxes, into the page.
(() => {
  function add(parent, tag, properties, ...content) {
    const node = Object.assign(document.createElement(tag), properties);
    node.append(...content);
    parent.append(node);
    return node;
  }

  function kept(name) {
    try {
      return JSON.parse(localStorage.getItem(`answer ${name}`));
    } catch {
      return null;
    }
  }

  function count(node) {
    const chapter = node.dataset.progress.split("/").at(-1);
    const names = ANSWERS.filter((name) => name.startsWith(`${chapter}/`));
    const right = names.filter((name) => kept(name)?.right === true).length;
    const all = right === names.length;
    node.replaceChildren();
    if (!right) return;
    node.append(all ? "✓" : `${right} of ${names.length}`);
    add(node, "span", { className: "only-heard" }, all ? ` all ${right} answers right` : " answers right");
  }

  /** A tick in the title of an exercise whose boxes all say "Right", and the way to its solution. */
  function mark(task) {
    const boxes = [...task.querySelectorAll(".answer")];
    const right = boxes.filter((box) => box.dataset.verdict === "right");
    const done = right.length > 0 && right.length === task.querySelectorAll("[data-answer]").length;
    if (done === task.classList.contains("answered")) return;
    task.classList.toggle("answered", done);
    task.querySelectorAll(".task-tick, .task-compare").forEach((node) => node.remove());
    if (!done) return;
    add(task.querySelector(".admonition-title"), "span", { className: "task-tick" }, " ✓ answered");
    const solution = task.querySelector("details.solution");
    if (!solution) return;
    // Not before all boxes are right: it would give away the other parts.
    const compare = { type: "button", className: "task-compare", onclick: open };
    add(boxes.at(-1).querySelector(".answer-said"), "button", compare, "Compare with the solution");
    function open() {
      solution.open = true;
      solution.querySelector("summary").focus();
    }
  }

  function forget() {
    if (!confirm("Forget all your answers to the exercises of this book?")) return;
    for (const key of localStorage.keys()) if (key.startsWith("answer ")) localStorage.removeItem(key);
    location.reload();
  }

  const root = new URL(document.documentElement.dataset.content_root, location).pathname;
  for (const link of document.querySelectorAll(".bd-links a[href]")) {
    const page = link.pathname.replace(root, "").replace(/\.html$/, "");
    if (!ANSWERS.some((name) => page === `chapters/${name.split("/")[0]}`)) continue;
    link.append(" ");
    add(link, "span", { className: "progress-count" }).dataset.progress = page;
  }
  const contents = document.querySelector(".bd-links");
  const foot = contents && add(contents, "div", { className: "progress-foot", hidden: true });
  if (foot) {
    add(foot, "p", {}, "Your answers are stored in this browser only.");
    add(foot, "button", { type: "button", onclick: forget }, "Forget my answers on this computer");
  }

  function show() {
    document.querySelectorAll("[data-progress]").forEach(count);
    document.querySelectorAll(".task").forEach(mark);
    if (foot) foot.hidden = !ANSWERS.some(kept);
  }

  document.addEventListener("answer", show); // from a box
  addEventListener("storage", show); // from another tab
  addEventListener("pageshow", show); // on the way back from another page
  show();
})();
