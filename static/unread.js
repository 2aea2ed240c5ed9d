// What is unread, asked again each minute by a page that is looked at: no use of the session, and quiet when that is over.

const EVERY = 60_000;
const { counters } = document.body.dataset;

async function refresh() {
  if (document.visibilityState !== "visible") return;
  try {
    const answer = await fetch(counters, { redirect: "manual" });
    if (answer.type === "opaqueredirect" || [403, 404].includes(answer.status)) clearInterval(timer); // not to be had any more
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const count of fresh.querySelectorAll("[data-unread]")) {
      for (const old of document.querySelectorAll(`[data-unread="${count.dataset.unread}"]`)) {
        if (old.innerHTML !== count.innerHTML) old.replaceChildren(...count.cloneNode(true).childNodes);
      }
    }
  } catch { /* no connection: at the next minute */ }
}

const timer = counters ? setInterval(refresh, EVERY) : undefined;
