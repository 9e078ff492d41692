// Brings the explorable figures of a built page to life, without a kernel. MyST-NB leaves for each
// figure a view (a script that names a model) and for the page one script with the state of all
// models. A figure that fails leaves its still picture where it was and says why in the console.
(() => {
  const MIME = "application/vnd.jupyter.widget-";
  const scripts = (kind) => [...document.querySelectorAll(`script[type="${MIME}${kind}+json"]`)];

  /** As much of an anywidget model as a page without a kernel can keep. */
  class Model {
    #traits;
    #listeners = new Map();
    constructor(traits) { this.#traits = { ...traits }; }
    get(name) { return this.#traits[name]; }
    set(name, value) {
      if (JSON.stringify(value) === JSON.stringify(this.#traits[name])) return;
      this.#traits[name] = value;
      this.#tell(`change:${name}`);
      this.#tell("change");
    }
    on(event, listener) {
      if (!this.#listeners.has(event)) this.#listeners.set(event, new Set());
      this.#listeners.get(event).add(listener);
    }
    off(event, listener) {
      if (listener) this.#listeners.get(event)?.delete(listener);
      else if (event) this.#listeners.delete(event);
      else this.#listeners.clear();
    }
    save_changes() {}
    send() {}
    #tell(event) { for (const listener of [...(this.#listeners.get(event) ?? [])]) listener(); }
  }

  /** The value for a key, made at its first use. */
  const once = (make, made = new Map()) => (key) => {
    if (!made.has(key)) made.set(key, make(key));
    return made.get(key);
  };
  const addStyle = once((css) => {
    const style = document.createElement("style");
    style.textContent = css;
    document.head.append(style);
  });
  const load = once(async (source) => {
    const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
    const widget = (await import(url)).default;
    URL.revokeObjectURL(url);
    return typeof widget === "function" ? widget() : widget;
  });

  async function main() {
    const states = Object.assign({}, ...scripts("state").map((script) => JSON.parse(script.textContent).state));
    const start = once(async (id) => {
      const { model_module, state } = states[id] ?? {};
      if (model_module !== "anywidget") throw new Error(`model ${id} is no anywidget on this page`);
      const widget = await load(state._esm);
      const model = new Model(state);
      await widget.initialize?.({ model });
      if (state._css) addStyle(state._css);
      return { widget, model };
    });
    addStyle(`@media screen { .explore-still.replaced { display: none } }
      @media print { .explore-live { display: none } }`);
    let alive = 0;
    for (const view of scripts("view")) {
      const el = document.createElement("div");
      el.className = "explore-live";
      try {
        const { widget, model } = await start(JSON.parse(view.textContent).model_id);
        const still = view.nextElementSibling;
        view.after(el);
        await widget.render({ model, el });
        if (still?.matches(".explore-still")) {
          still.classList.add("replaced");
          const room = still.querySelector(".explore-room");
          if (room) el.firstElementChild.classList.add("explore-room");
          el.style.cssText = room?.style.cssText ?? "";
        }
        alive += 1;
      } catch (error) {
        el.remove();
        console.error("An explorable figure stays a picture:", error);
      }
    }
    document.documentElement.dataset.explore = alive;
  }

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", main);
  else main();
})();
