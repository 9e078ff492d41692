// An answer box: it says whether an answer is right, and knows a salted SHA-256 of it.

/** SHA-256 of a text, in hex. (crypto.subtle needs https.) */
export function sha256(text) {
  const bytes = new TextEncoder().encode(text);
  const data = new DataView(new ArrayBuffer(64 * Math.ceil((bytes.length + 9) / 64)));
  new Uint8Array(data.buffer).set([...bytes, 128]);
  data.setUint32(data.byteLength - 4, 8 * bytes.length);
  const primes = [];
  for (let n = 2; primes.length < 64; n++) if (primes.every((p) => n % p)) primes.push(n);
  const fraction = (x) => ((x % 1) * 2 ** 32) | 0;
  const turn = (x, ...by) => by.reduce((sum, n) => sum ^ ((x >>> n) | (x << (32 - n))), 0);
  let hash = primes.slice(0, 8).map((p) => fraction(Math.sqrt(p)));
  for (let start = 0; start < data.byteLength; start += 64) {
    const w = [];
    let [a, b, c, d, e, f, g, h] = hash;
    for (let t = 0; t < 64; t++) {
      const [u, v] = [w[t - 15], w[t - 2]];
      w[t] = t < 16 ? data.getInt32(start + 4 * t)
        : (w[t - 16] + w[t - 7] + (turn(u, 7, 18) ^ (u >>> 3)) + (turn(v, 17, 19) ^ (v >>> 10))) | 0;
      const one = h + turn(e, 6, 11, 25) + ((e & f) ^ (~e & g)) + fraction(Math.cbrt(primes[t])) + w[t];
      const two = turn(a, 2, 13, 22) + ((a & b) ^ (a & c) ^ (b & c));
      [a, b, c, d, e, f, g, h] = [(one + two) | 0, a, b, c, (d + one) | 0, e, f, g];
    }
    hash = [a, b, c, d, e, f, g, h].map((x, i) => x + hash[i]);
  }
  return hash.map((x) => (x >>> 0).toString(16).padStart(8, 0)).join("");
}

// From here to `check` as in answer.py.

const NUMBER = /^[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[-+]?[0-9]+)?$/i;

function number(word) {
  const parts = word.split("/");
  const value = parts[0] / (parts[1] ?? 1);
  if (parts.length > 2 || !parts.every((part) => NUMBER.test(part)) || !Number.isFinite(value))
    throw new RangeError(`“${[...word].slice(0, 20).join("")}” is not a number.`);
  return value;
}

/** What was typed: shape [], [n] or [rows, columns], and a flat list. */
function read({ kind, digits, options }, text) {
  if (kind === "choice") {
    if (!Object.hasOwn(options, text)) throw new RangeError("Choose an answer first.");
    return { shape: [], flat: [text] };
  }
  text = text.replace(/[−–]/g, "-").replace(/[\u2009\u202f]/g, "").replace(/[ \t\r\n\u00a0]+/g, " ");
  text = text.replace(/^ | $/g, "");
  if (!text) throw new RangeError("Write an answer first.");
  if (kind === "number") {
    // With decimals, a comma may be their point.
    const gap = digits ? / (?=[0-9]{3}(?![0-9]))/g : /[ ,](?=[0-9]{3}(?![0-9]))/g;
    return { shape: [], flat: [number(text.replace(gap, ""))] };
  }
  text = text.replace(/[\])][ ,]*[[(]/g, ";").replace(/[[\]()]/g, " ").replace(/[; ]+$/, "");
  const rows = text.split(";").map((row) => (row.match(/[^ ,]+/g) ?? []).map(number));
  const wide = rows[0].length;
  if (!rows.every((row) => wide && row.length === wide))
    throw new RangeError("Every row needs numbers, as many as the first.");
  return { shape: rows.length > 1 ? [rows.length, wide] : [wide], flat: rows.flat() };
}

/** Whole numbers to look for; one off in the last digit will do. */
function near(value, digits) {
  if (typeof value === "string") return [value];
  const whole = digits ? Math.floor(value * 10 ** digits + 0.5) : value;
  if (!Number.isSafeInteger(whole)) return [];
  return digits ? [whole, whole - 1, whole + 1] : [whole];
}

/** Whether a text is "right", "wrong" or "unreadable", and the line to say so. */
export function check(box, text) {
  let answer;
  try {
    answer = read(box, text);
  } catch (error) {
    return { verdict: "unreadable", line: error.message };
  }
  const { shape, flat } = answer;
  let ways = [[]];
  for (const value of flat)
    ways = ways.flatMap((way) => near(value, box.digits).map((n) => [...way, n])).slice(0, 729);
  const start = shape.length ? sha256(`${box.name}\n${shape}`).slice(0, 8) : "";
  const seals = ways.map((way) => start + sha256(`${box.name}\n${shape}\n${way}`).slice(0, 16));
  if (seals.includes(box.digest)) return { verdict: "right", line: "Right." };
  const hint = seals.map((seal) => box.hints[seal]).find(Boolean);
  const size = shape[1] ? `${shape[0]} rows of ${shape[1]}` : `a list of ${shape}`;
  const why = hint ?? (box.digest.startsWith(start) ? "" : `Its shape is not ${size}.`);
  return { verdict: "wrong", line: `Not right yet. ${why}`.trim() };
}

/** Use the browser's storage where there is one that is allowed. */
function keep(action) {
  try {
    return action(localStorage);
  } catch {}
}

function add(parent, tag, attributes = {}, text = "") {
  const node = document.createElement(tag);
  for (const name in attributes) node.setAttribute(name, attributes[name]);
  // Or JupyterLab takes the keys for itself.
  if (/input|button/.test(tag)) node.dataset.lmSuppressShortcuts = true;
  node.append(text);
  parent.append(node);
  return node;
}

const HOW = {
  array: "Numbers such as 1, 2 or, in rows, 1, 2; 3, 4",
  choice: "Choose, then check",
  false: "A decimal or fraction",
  true: "An integer, such as 12 or 1,200",
};

function render({ model, el }) {
  const box = new Proxy({}, { get: (_, name) => model.get(name) });
  const [key, id] = [`answer ${box.name}`, `answer-${Math.random()}`];
  const choice = box.kind === "choice";
  const root = add(el, "div", { class: "answer", role: "group", "aria-label": "Check your answer" });
  const ask = choice ? add(root, "fieldset") : root;
  add(ask, choice ? "legend" : "label", choice ? {} : { for: id }, box.label);
  const radios = Object.entries(box.options).map(([value, text]) => {
    const label = add(ask, "label");
    const radio = add(label, "input", { type: "radio", name: id, value });
    label.append(text);
    return radio;
  });
  const field = radios[0] ?? add(root, "input", { id, autocomplete: "off" });
  add(root, "button", { type: "button" }, "Check").onclick = verify;
  const said = add(root, "div", { class: "answer-said" });
  const line = add(said, "p", { class: "answer-line", "aria-live": "polite" });
  const to = box.digits ? `, to ${box.digits} decimal place${box.digits > 1 ? "s" : ""}.` : ".";
  const how = add(said, "p", { id: `${id}how` }, (HOW[box.kind] ?? HOW[!box.digits]) + to);
  (choice ? ask : field).setAttribute("aria-describedby", how.id);

  let kept = keep((store) => JSON.parse(store.getItem(key))) ?? {};
  const typed = () => (choice ? radios.find((radio) => radio.checked)?.value ?? "" : field.value);

  function show(verdict = "", text = "") {
    root.dataset.verdict = verdict;
    line.textContent = text;
    how.hidden = !!text;
    field.setAttribute("aria-invalid", verdict === "unreadable");
    root.dispatchEvent(new Event("answer", { bubbles: true })); // for the page: progress.js
  }

  function verify() {
    const { verdict, line } = check(box, typed());
    const right = verdict === "right";
    // An answer that was right stays solved, whatever is tried after it.
    if (right || (verdict === "wrong" && !kept.right)) {
      kept = { text: typed(), right };
      keep((store) => store.setItem(key, JSON.stringify(kept)));
    }
    show(verdict, line);
  }

  root.oninput = () => {
    if (!typed()) {
      kept = {};
      keep((store) => store.removeItem(key));
    }
    show();
  };
  root.onkeydown = ({ key, target }) => {
    if (key === "Enter" && target.matches("input")) verify();
  };
  if (typeof kept.text === "string") {
    for (const radio of radios) radio.checked = radio.value === kept.text;
    if (!choice) field.value = kept.text;
    kept.right = false; // unless it is right today
    verify();
  }
  if (!kept.right) show();
}

export default { render };
