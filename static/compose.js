// What is being written is kept by the server while it is typed; the form works without this file, by its buttons.

const PAUSE = 1500;
let line = null; // where the form says how its draft is
let form, timer, isChanged, isSaving, isStopped;

function find() {
  const found = document.querySelector("[data-drafts]");
  if (found === line) return;
  line = found;
  form = line?.closest("form");
  isChanged = isSaving = isStopped = false;
  for (const button of form?.querySelectorAll("[data-by-hand]") ?? []) button.hidden = true;
}

function stop(words) {
  isStopped = true;
  line.textContent = words;
}

async function show(answer) {
  if (answer.type === "opaqueredirect") return stop(line.dataset.over);
  const said = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("output");
  if (said?.dataset.stop !== undefined) return stop(said.textContent);
  if (!answer.ok || !said) {
    line.textContent = line.dataset.failed;
    return;
  }
  form.elements.vu.value = said.dataset.seen;
  if (line.textContent !== said.textContent) line.textContent = said.textContent;
  form.querySelector("[data-delete]").hidden = !said.dataset.seen;
  document.dispatchEvent(new Event("session:used"));
}

async function save({ isLeaving = false } = {}) {
  clearTimeout(timer);
  if (!isChanged || isStopped || !line?.isConnected) return;
  if (isSaving && !isLeaving) return; // it goes on when that one is done
  const body = new URLSearchParams(new FormData(form));
  body.set("auto", "1");
  if (isSaving) body.set("vu", "*");
  isChanged = false;
  isSaving = true;
  try {
    await show(await fetch(line.dataset.drafts, { method: "POST", body, redirect: "manual", keepalive: isLeaving }));
  } catch {
    isChanged = true;
    line.textContent = line.dataset.failed;
  }
  isSaving = false;
  if (isChanged && navigator.onLine) timer = setTimeout(save, PAUSE);
}

function change({ target }) {
  find();
  if (!form || target.form !== form) return;
  isChanged = true;
  clearTimeout(timer);
  timer = setTimeout(save, PAUSE);
}

document.addEventListener("input", change);
document.addEventListener("change", change);
document.addEventListener("visibilitychange", () => document.visibilityState === "hidden" && save({ isLeaving: true }));
document.addEventListener("session:ending", () => save());
addEventListener("pagehide", () => save({ isLeaving: true }));
addEventListener("online", () => save());
// What is sent is not saved behind it.
document.addEventListener("submit", ({ target }) => {
  if (target !== form) return;
  clearTimeout(timer);
  isChanged = false;
});
document.addEventListener("htmx:after:swap", find);
find();
