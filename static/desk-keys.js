// The clinic's side by keyboard: rows by j and k or the arrows, / to search (or to « Patients »), n to book for the patient shown, ? for the list
// of keys. Enhancement only.

const OFF = "desk-keys-off";
const EVERY = 60_000;
const $ = (selector, root = document) => root.querySelector(selector);
const isTyping = (element) => element.matches("input, select, textarea, [contenteditable]") || element.closest("dialog[open]");
const rows = () => [...document.querySelectorAll("[data-row]")].filter((row) => row.checkVisibility());

function isOff() {
  try { return localStorage.getItem(OFF) !== null; } catch { return false; }
}

function go(step) {
  const all = rows();
  if (all.length === 0) return;
  const at = all.indexOf(document.activeElement);
  const to = at < 0 ? (step > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, at + step));
  all[to].focus();
  all[to].scrollIntoView({ block: "nearest" });
}

function press(selector) {
  const element = $(selector);
  if (!element) return false;
  if (element.matches("a")) element.click();
  else element.focus();
  return true;
}

function showKeys() {
  const keys = $("#raccourcis");
  if (!keys) return false;
  keys.open = true;
  $("summary", keys).focus();
  keys.scrollIntoView({ block: "nearest" });
  return true;
}

const KEYS = {
  j: () => go(1),
  k: () => go(-1),
  ArrowDown: () => document.activeElement.matches("[data-row]") && go(1),
  ArrowUp: () => document.activeElement.matches("[data-row]") && go(-1),
  "/": () => press("[data-search]") || press(".desk-side a[href='/clinique/patients']"),
  n: () => press("a[href$='/rendez-vous/nouveau']"),
  "?": showKeys,
};

document.addEventListener("keydown", (event) => {
  const act = KEYS[event.key];
  if (!act || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || isOff()) return;
  if (act() !== false) event.preventDefault();
});

const toggle = $("[data-keys-off]");
if (toggle) {
  const say = () => { toggle.textContent = isOff() ? toggle.dataset.on : toggle.dataset.off; };
  toggle.hidden = false;
  toggle.addEventListener("click", () => {
    try {
      if (isOff()) localStorage.removeItem(OFF);
      else localStorage.setItem(OFF, "1");
    } catch { /* nowhere to keep it: they stay on */ }
    say();
  });
  say();
}

// Whoever chooses from the list means nobody by name any more.
document.addEventListener("change", ({ target }) => {
  const name = target.matches("select") && target.form?.elements[`${target.name}_nom`];
  if (name) name.value = "";
}, true);

// A filter shows what was chosen at once; its button is for who has no scripts.
for (const form of document.querySelectorAll("form[data-filter]")) {
  let isTyped = false; // a date is typed digit by digit: Enter sends it
  form.addEventListener("keydown", () => { isTyped = true; });
  form.addEventListener("pointerdown", () => { isTyped = false; });
  form.addEventListener("change", ({ target }) => {
    if (target.matches("select") || (target.matches("[type=date]") && target.value && !isTyped)) form.requestSubmit();
  });
}

// A virtual visit has no place: what is shown follows the type that is chosen.
for (const select of document.querySelectorAll("select[data-place]")) {
  select.addEventListener("change", () => {
    document.getElementById(select.dataset.place).textContent = select.selectedOptions[0].dataset.place;
  });
}

for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => print());
}

// The day, asked again each minute by a page that is looked at: no use of the session, and quiet when that is over.
async function refresh() {
  const board = $("[data-refresh]");
  if (!board || document.visibilityState !== "visible") return;
  try {
    const answer = await fetch(board.dataset.refresh, { redirect: "manual" });
    if (answer.type === "opaqueredirect" || [403, 404].includes(answer.status)) clearInterval(timer);
    if (answer.status !== 200) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    const focused = document.activeElement?.id;
    const open = [...board.querySelectorAll("details[open][id]")].map((details) => details.id);
    board.replaceWith(document.adoptNode($("[data-refresh]", fresh)));
    for (const id of open) document.getElementById(id)?.setAttribute("open", "");
    if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  } catch { /* no connection: at the next minute */ }
}

const timer = $("[data-refresh]") ? setInterval(refresh, EVERY) : undefined;
