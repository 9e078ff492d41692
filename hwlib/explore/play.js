// Play and Step, for figures in which time or order is the subject.

const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/**
 * Add the buttons. `first(state)` is what to change for the beginning, `next(state)` for the next step,
 * null at the end; a step is shown for `every` ms, a number or a function of the state. `again` is what Step is called. Play begins at the beginning, unless
 * it was stopped or stepped to where the figure is. What the reader does stops it. Where the trait `plays` is true, it plays
 * once when it is first seen, unless the reader wants no motion; then there is no Play at all, and Step remains.
 */
export function player({ first, next, every, again = "Step" }, { root, model, line, now, change, button }) {
  let timer, left; // where it was left

  const wait = () => { timer = setTimeout(tick, every.call ? every(now()) : every); };
  const leave = () => (left = JSON.stringify(now()));
  function stop() {
    clearTimeout(timer);
    timer = undefined;
    play.textContent = "Play";
    root.classList.remove("explore-playing");
    line.setAttribute("aria-live", "polite");
    leave();
  }
  function tick() {
    const changes = root.isConnected ? next(now()) : null;
    if (!changes) return stop();
    change(changes);
    wait();
  }
  function begin() {
    play.textContent = "Pause";
    root.classList.add("explore-playing");
    line.setAttribute("aria-live", "off"); // not every step is read out
    if (left !== JSON.stringify(now()) || !next(now())) change(first(now()));
    wait();
  }

  const play = button("Play", () => (timer ? stop() : begin()));
  play.className = "explore-play";
  const step = button(again, () => (change(next(now()) ?? first(now())), leave()));
  step.className = "explore-step";
  for (const kind of ["pointerdown", "keydown", "input"])
    root.addEventListener(kind, ({ target }) => target !== play && timer && stop(), true);
  if (!model.get("plays") || calm()) return;
  const watch = new IntersectionObserver(([{ isIntersecting }]) => {
    if (!isIntersecting) return;
    watch.disconnect();
    begin();
  }, { threshold: 0.6 });
  watch.observe(root);
}
