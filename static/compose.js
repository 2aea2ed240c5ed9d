// What is being written is kept by the server while it is typed; the form works without this file, by its buttons.

const PAUSE = 1500;
let open = null; // the form, where it says how its draft is, and what is still to be saved

function find() {
  const line = document.querySelector("[data-drafts]");
  if (line === (open?.line ?? null)) return;
  open = line && { line, form: line.closest("form"), timer: 0, isChanged: false, isSaving: false, isStopped: false };
  for (const button of open?.form.querySelectorAll("[data-by-hand]") ?? []) button.hidden = true;
}

function stop(mine, words) {
  mine.isStopped = true;
  mine.line.textContent = words;
}

async function show(mine, answer) {
  const { line, form } = mine;
  if (answer.type === "opaqueredirect") return stop(mine, line.dataset.over);
  const said = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("output");
  if (said?.dataset.stop !== undefined) return stop(mine, said.textContent);
  if (!answer.ok || !said) {
    mine.isChanged ||= answer.status === 503; // too many people: it is tried again
    line.textContent = line.dataset.failed;
    return;
  }
  form.elements.vu.value = said.dataset.seen;
  if (line.textContent !== said.textContent) line.textContent = said.textContent;
  form.querySelector("[data-delete]").hidden = !said.dataset.seen;
  document.dispatchEvent(new Event("session:used"));
}

// An answer that comes late goes to the form that asked, though another may be open by then.
async function save({ isLeaving = false } = {}) {
  const mine = open;
  clearTimeout(mine?.timer);
  if (!mine?.isChanged || mine.isStopped || !mine.line.isConnected) return;
  if (mine.isSaving && !isLeaving) return; // it goes on when that one is done
  const body = new URLSearchParams(new FormData(mine.form));
  body.set("auto", "1");
  if (mine.isSaving) body.set("vu", "*");
  mine.isChanged = false;
  mine.isSaving = true;
  try {
    await show(mine, await fetch(mine.line.dataset.drafts, { method: "POST", body, redirect: "manual", keepalive: isLeaving }));
  } catch {
    mine.isChanged = true;
    mine.line.textContent = mine.line.dataset.failed;
  }
  mine.isSaving = false;
  if (mine.isChanged && mine === open && navigator.onLine) mine.timer = setTimeout(save, PAUSE);
}

const leave = () => save({ isLeaving: true });

function change({ target }) {
  find();
  if (!open || target.form !== open.form) return;
  open.isChanged = true;
  clearTimeout(open.timer);
  open.timer = setTimeout(save, PAUSE);
}

document.addEventListener("input", change);
document.addEventListener("change", change);
document.addEventListener("visibilitychange", () => document.visibilityState === "hidden" && leave());
document.addEventListener("session:ending", () => save());
addEventListener("pagehide", leave);
addEventListener("online", () => save());
// What is sent is not saved behind it; a button that leads elsewhere is none of htmx's.
document.addEventListener("submit", (event) => {
  if (event.target !== open?.form) return;
  clearTimeout(open.timer);
  open.isChanged = false;
  if (event.submitter?.hasAttribute("formaction")) event.stopPropagation();
}, true);
// Another thread may open beside the list without this page being left.
for (const name of ["htmx:before:request", "htmx:before:swap"]) {
  document.addEventListener(name, ({ detail: { ctx } }) => ctx?.sourceElement !== open?.form && leave());
}
document.addEventListener("htmx:after:swap", find);
// Sending went nowhere: it is still here, and the person is told.
document.addEventListener("htmx:error", ({ detail: { ctx } }) => {
  if (!open || ctx?.sourceElement !== open.form) return;
  open.line.textContent = open.line.dataset.unsent;
  open.isChanged = true;
});
find();
