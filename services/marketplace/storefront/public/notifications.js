// Shows notifications as they come. Without it they are there when the page is loaded again.
const list = document.getElementById("notifications");
const template = document.getElementById("notification");
/** When to try again where the shop did not let the page in, in milliseconds. */
const LATER_MS = 60_000;

let last = list.dataset.after;
let unread = Number(list.dataset.unread);

function listen() {
  const source = new EventSource(`/notifications/stream?after=${last}`);
  source.onmessage = ({ data }) => show(JSON.parse(data));
  // It comes back by itself, unless it was refused.
  source.onerror = () => {
    if (source.readyState === EventSource.CLOSED) setTimeout(listen, LATER_MS);
  };
}

function show(view) {
  last = view.id;
  if (document.getElementById(`notification-${view.id}`) !== null) return;
  const item = template.content.firstElementChild.cloneNode(true);
  item.id = `notification-${view.id}`;
  for (const name of ["title", "content"]) {
    const part = item.querySelector(`[data-part=${name}]`);
    part.textContent = view[name];
    if (view.language !== "") part.lang = view.language;
  }
  const time = item.querySelector("[data-part=time]");
  time.dateTime = view.time;
  time.textContent = view.moment;
  const place = item.querySelector("[data-part=place]");
  if (view.href === "") place.remove();
  else {
    place.href = view.href;
    place.textContent = view.label;
  }
  item.querySelector("[name=ids]").value = view.id;
  document.getElementById("no-notifications")?.remove();
  list.prepend(item);
  count(++unread);
}

/** Writes the number beside the link on top of the page. */
function count(number) {
  const badge = document.createElement("span");
  badge.className = "badge";
  const what = document.createElement("span");
  what.className = "hidden";
  what.textContent = " not read";
  badge.append(String(number), what);
  document.getElementById("unread").replaceChildren(badge);
}

listen();
