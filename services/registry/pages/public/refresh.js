// Asks for the page again every two seconds and puts the new main part in the place of the old one.

const EVERY_MS = 2_000;
const ANSWER_MS = 5_000;

const live = document.getElementById("live");
const pause = document.getElementById("pause");
let paused = false;
let seenAt = new Date();

/** Said only when it changes: a screen reader speaks it. */
function say(words, stale) {
  if (live.textContent !== words) live.textContent = words;
  document.body.classList.toggle("stale", stale);
}

function isReading() {
  const selection = document.getSelection();
  return selection !== null && !selection.isCollapsed;
}

async function refresh() {
  const response = await fetch("/", { signal: AbortSignal.timeout(ANSWER_MS), cache: "no-store" });
  if (!response.ok) throw new Error(`status ${response.status}`);
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const main = page.querySelector("main");
  if (main === null) throw new Error("not the page");
  seenAt = new Date();
  // What somebody has marked, to copy it, stays until it is copied.
  if (paused || isReading()) return;
  const old = document.querySelector("main");
  const focused = old.contains(document.activeElement) ? pathTo(document.activeElement, old) : undefined;
  old.replaceWith(main);
  document.title = page.title;
  if (focused !== undefined) elementAt(focused, main)?.focus({ preventScroll: true });
}

/** Where an element is: which child of which child. */
function pathTo(element, root) {
  const path = [];
  for (let one = element; one !== root; one = one.parentElement) path.unshift([...one.parentElement.children].indexOf(one));
  return path;
}

function elementAt(path, root) {
  return path.reduce((element, index) => element?.children[index], root);
}

async function tick() {
  if (!paused && !document.hidden) {
    try {
      await refresh();
      if (!paused) say("Live", false);
    } catch {
      say(`The registry does not answer. This is what it said at ${seenAt.toLocaleTimeString()}.`, true);
    }
  }
  setTimeout(tick, EVERY_MS);
}

pause.addEventListener("click", () => {
  paused = !paused;
  pause.textContent = paused ? "Go on" : "Pause";
  if (paused) say("Paused", false);
});
pause.hidden = false;
say("Live", false);
setTimeout(tick, EVERY_MS);
