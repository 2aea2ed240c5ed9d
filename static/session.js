// The session's end, told two minutes before. The server decides; here it is only foreseen, and nothing is asked of
// it but by « Rester connecté ». Tabs tell one another what they know.

const WARNING = 120_000;
const { idleMinutes, idleLeft, sessionLeft, side = "" } = document.body.dataset;
const dialog = document.getElementById("session");
const channel = new BroadcastChannel(`session${side}`);
const end = { idle: Date.now() + idleLeft * 1000, last: Date.now() + sessionLeft * 1000 };
let state = "";
let timer;
let isAccepted = false;

const part = (name) => dialog.querySelector(`[data-when="${name}"]`);
const left = () => Math.min(end.idle, end.last) - Date.now();

function foreseen() {
  if (left() <= 0) return "over";
  if (left() > WARNING) return "";
  if (end.idle < end.last) return "soon";
  return isAccepted ? "" : "limit";
}

// Back to this page, with what was typed where a link can carry it; a draft has a page of its own.
function wayBack() {
  const draft = document.querySelector("[data-page]");
  if (draft) return `${side}/connexion?suivant=${encodeURIComponent(draft.dataset.page)}`;
  const form = document.querySelector("main form[method=get]:has(textarea)");
  const typed = form ? `${new URL(form.action).pathname}?${new URLSearchParams(new FormData(form))}` : "";
  return `${side}/connexion?suivant=${encodeURIComponent(typed || location.pathname + location.search)}`;
}

// What has no draft is sent to be kept and nothing else: it waits, sealed, for whoever wrote it. Files stay behind.
function leave(event) {
  const isTyped = (form) => [...form.querySelectorAll("textarea")].some((field) => field.value.trim());
  const form = [...document.querySelectorAll("form[data-kept]")].find(isTyped);
  if (!form) return;
  event.preventDefault();
  const files = [...form.querySelectorAll("[type=file]")];
  const value = files.some((field) => field.files.length) ? "fichiers" : "oui";
  for (const field of files) field.disabled = true;
  form.append(Object.assign(document.createElement("input"), { type: "hidden", name: "garder", value }));
  form.submit();
}

function open() {
  for (const each of dialog.children) each.hidden = each.dataset.when !== state;
  dialog.classList.toggle("is-over", state === "over");
  dialog.setAttribute("aria-labelledby", `session-${state}`);
  dialog.setAttribute("aria-describedby", `session-${state}-words`);
  if (state === "over") part("over").querySelector("a").href = wayBack();
  dialog.showModal();
}

function refresh() {
  clearTimeout(timer);
  const next = state === "over" ? state : foreseen(); // whoever signs in again does so from the dialog
  if (next !== state || (next && !dialog.open)) {
    state = next;
    dialog.close();
    if (state) document.dispatchEvent(new Event("session:ending"));
    if (state) open();
  }
  const seconds = Math.max(0, Math.ceil(left() / 1000));
  for (const time of dialog.querySelectorAll("[data-left]")) {
    time.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  }
  if (state === "over") return;
  timer = setTimeout(refresh, state || left() <= WARNING ? 500 : Math.min(left() - WARNING, 60_000));
}

function tell() {
  channel.postMessage(end);
  refresh();
}

async function stay(button) {
  const status = part("soon").querySelector("[role=status]");
  status.textContent = "";
  try {
    const body = new URLSearchParams(new FormData(button.form));
    const answer = await fetch(button.form.action, { method: "POST", body, redirect: "manual" });
    if (answer.status === 503) throw new Error("busy");
    end.idle = answer.status === 204 ? Date.now() + idleMinutes * 60_000 : 0;
    tell();
  } catch {
    status.textContent = status.dataset.failed;
  }
}

function accept() {
  isAccepted = true;
  refresh();
}

const answers = { soon: () => stay(part("soon").querySelector("[data-stay]")), limit: accept, over() {} };

dialog.addEventListener("click", (event) => {
  if (!event.target.closest("[data-stay], [data-accept]")) return;
  event.preventDefault();
  answers[state]?.();
});
part("over").querySelector("a").addEventListener("click", leave);
dialog.addEventListener("cancel", (event) => {
  event.preventDefault();
  answers[state]?.();
});
dialog.addEventListener("close", refresh);

channel.addEventListener("message", ({ data }) => {
  const isOver = data.idle === 0;
  if (data.last > end.last) isAccepted = false;
  end.idle = isOver ? 0 : Math.max(end.idle, data.idle);
  end.last = isOver ? 0 : Math.max(end.last, data.last);
  refresh();
});
// Signing out here signs out in every tab.
document.addEventListener("submit", ({ target }) => {
  if (new URL(target.action).pathname === `${side}/deconnexion`) channel.postMessage({ idle: 0, last: 0 });
});
// A part of a page that was asked for: the use is marked once a minute.
function use() {
  end.idle = Math.max(end.idle, Date.now() + (idleMinutes - 1) * 60_000);
  tell();
}
document.addEventListener("htmx:after:swap", use);
document.addEventListener("session:used", use); // a draft was saved
document.addEventListener("visibilitychange", refresh);
tell();
