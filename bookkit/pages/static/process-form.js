// The form on "Process and sources". Answers stay in this browser's localStorage; nothing is sent.
// Where the browser refuses to store (some private modes), the form works, for as long as it is open.

const KEY = "process-and-sources";
const form = document.getElementById("process-form");
const fields = [...form.querySelectorAll("textarea, input")];
const hours = fields.filter((field) => field.type === "number");
const status = form.querySelector("[role=status]");

/** Run `action` on the storage; false where the browser has none or refuses. */
function store(action) {
  try {
    action(window.localStorage);
    return true;
  } catch {
    return false;
  }
}

function total() {
  const sum = hours.reduce((so_far, field) => so_far + (field.valueAsNumber || 0), 0);
  return String(Math.round(100 * sum) / 100);
}

function save() {
  const values = Object.fromEntries(fields.map((field) => [field.name, field.value]));
  form.elements.total.value = total();
  const kept = store((storage) => storage.setItem(KEY, JSON.stringify(values)));
  status.textContent = kept
    ? "Kept on this machine."
    : "This browser keeps nothing for this site: export before you leave the page.";
}

function load() {
  let values = null;
  store((storage) => (values = JSON.parse(storage.getItem(KEY)))); // unreadable: as if empty
  for (const field of fields) {
    const value = values?.[field.name];
    field.value = typeof value === "string" ? value : "";
  }
  form.elements.total.value = total();
}

function markdown() {
  const said = (name) => form.elements[name].value.trim() || "None.";
  const rows = hours.map((field) => `| ${field.labels[0].textContent.trim()} | ${field.value || "–"} |`);
  return [
    "# Process and sources",
    "## Sources\n\n" + said("sources"),
    "## Collaborators\n\n" + said("people"),
    ["## Hours\n", "| problem | hours |", "|---|---|", ...rows, `| together | ${total()} |`].join("\n"),
    "",
  ].join("\n\n");
}

function download() {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([markdown()], { type: "text/markdown" }));
  link.download = "process-and-sources.md";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000); // the download reads it after the click
  status.textContent = "Exported as process-and-sources.md.";
}

function clear() {
  if (!window.confirm("Clear all answers on this page? They cannot be brought back.")) return;
  store((storage) => storage.removeItem(KEY));
  form.reset();
  form.elements.total.value = total();
  status.textContent = "Cleared.";
}

form.addEventListener("input", save);
form.addEventListener("submit", (event) => event.preventDefault()); // Enter in a field
form.elements.export.addEventListener("click", download);
form.elements.clear.addEventListener("click", clear);
window.addEventListener("storage", (event) => event.key?.endsWith(KEY) && load()); // changed in another tab
load();
form.hidden = false;
