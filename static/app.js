// Progressive enhancement only: every page works without this file.

const status = document.getElementById("status");
const say = (words) => {
  status.textContent = "";
  setTimeout(() => { status.textContent = words; }, 100);
};

// What a textarea may hold: counts what the server counts (code points, a line break is one), and never cuts.
function count(area) {
  const output = document.getElementById(`${area.id}-counter`);
  const limit = Number(area.dataset.counter);
  const length = [...area.value.replaceAll("\r\n", "\n")].length;
  const left = limit - length;
  const isOver = left < 0;
  const isNear = !isOver && left <= Math.max(10, limit / 10);
  output.textContent = `${length} / ${limit}`;
  output.classList.toggle("is-near", isNear);
  output.classList.toggle("is-over", isOver);
  clearTimeout(area.announcing);
  if ((isNear || isOver) && document.activeElement === area) {
    const words = isOver ? output.dataset.over : output.dataset.left;
    area.announcing = setTimeout(() => say(`${words} ${Math.abs(left)}`), 900);
  }
}

// How long a chosen slot is still held, told aloud twice only.
function countDown(time) {
  const box = time.closest("[data-over]");
  const seconds = time.dataset.countdown;
  const end = seconds ? Date.now() + seconds * 1000 : Date.parse(time.dateTime);
  const tick = () => {
    const left = Math.max(0, Math.round((end - Date.now()) / 1000));
    time.textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
    if (left <= 60 && left > 50 && !time.warned) {
      time.warned = true;
      say(box.dataset.soon);
    }
    if (left > 0 && time.isConnected) return;
    clearInterval(timer);
    if (!time.isConnected) return;
    box.classList.add("is-over");
    box.querySelector("span").textContent = box.dataset.over;
    time.hidden = true;
    say(box.dataset.over);
  };
  const timer = setInterval(tick, 1000);
  time.hidden = false;
  tick();
}

// A link from a mail, in a browser that is known: the page posts by itself, once somebody looks at it.
function postWhenSeen(form) {
  const post = () => {
    if (document.visibilityState !== "visible" || form.dataset.posted) return;
    form.dataset.posted = "yes";
    form.requestSubmit();
  };
  document.addEventListener("visibilitychange", post);
  post();
}

// An address typed on one page comes along to the next in the fragment, which no server or journal sees.
function carry(link) {
  const typed = document.getElementById(link.dataset.carry).value;
  link.hash = typed && new URLSearchParams({ [link.dataset.carry]: typed });
}

function unpack(field) {
  const carried = new URLSearchParams(location.hash.slice(1)).get(field.id);
  if (!carried) return;
  field.value ||= carried;
  history.replaceState(null, "", location.pathname + location.search);
}

function enhance(root) {
  root.querySelectorAll("[data-counter]").forEach(count);
  root.querySelectorAll("[data-countdown]").forEach(countDown);
  root.querySelectorAll("[data-autopost]").forEach(postWhenSeen);
  root.querySelectorAll("[data-reveal]").forEach((button) => { button.hidden = false; });
  root.querySelectorAll("[data-carried]").forEach(unpack);
  for (const chip of root.querySelectorAll(".chips [aria-current]")) chip.parentElement.scrollLeft = chip.offsetLeft - 64;
}

function focusOn(element, options) {
  if (!element.matches("a, button, input, textarea, [tabindex]")) element.tabIndex = -1;
  element.focus(options);
}

// One submission at a time; the button says that it is sending.
const sending = new Set();

function release(form) {
  const { button, words } = form.sending;
  form.sending = undefined;
  sending.delete(form);
  button?.removeAttribute("aria-disabled");
  button?.classList.remove("is-sending");
  if (words) button.replaceChildren(...words);
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.sending) {
    event.preventDefault();
    event.stopImmediatePropagation();
    return;
  }
  form.querySelectorAll("[data-reveal]").forEach((button) => reveal(button, false));
  const button = event.submitter ?? form.querySelector("button:not([type=button])");
  form.sending = { button };
  sending.add(form);
  const mine = form.sending;
  setTimeout(() => {
    if (form.sending !== mine || !button) return;
    button.setAttribute("aria-disabled", "true");
    button.classList.add("is-sending");
    if (button.matches(".btn")) {
      mine.words = [...button.childNodes];
      button.replaceChildren(button.dataset.sending ?? document.body.dataset.sending);
    }
  });
  setTimeout(() => { if (form.sending === mine) release(form); }, 12000);
}, true);

addEventListener("pageshow", () => sending.forEach(release));
document.addEventListener("htmx:finally:request", ({ detail: { ctx } }) => {
  if (!ctx.hx?.redirect) sending.forEach(release); // else the page is about to go
});

function reveal(button, isShown) {
  const words = button.firstElementChild;
  button.dataset.show ??= words.textContent;
  words.textContent = isShown ? button.dataset.hide : button.dataset.show;
  document.getElementById(button.dataset.reveal).type = isShown ? "text" : "password";
}

document.addEventListener("input", (event) => {
  if (event.target.matches("[data-counter]")) count(event.target);
});

document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-carry]");
  if (link) carry(link);
  const button = event.target.closest("[data-reveal]");
  if (button) reveal(button, document.getElementById(button.dataset.reveal).type === "password");
  closeMenuBut(event.target);
});

// What takes the focus behind the menu, or beyond the edge of its row, would not be seen.
document.addEventListener("focusin", ({ target }) => {
  closeMenuBut(target);
  if (target.matches(".chips :focus-visible")) target.scrollIntoView({ block: "nearest", inline: "center" });
});

function closeMenuBut(target) {
  const menu = document.querySelector(".menu[open]");
  if (menu && !target.closest(".menu-panel, .menu > summary")) menu.open = false;
}

document.addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" && document.querySelector(".menu[open]");
  if (!menu) return;
  menu.open = false;
  menu.firstElementChild.focus();
});

// After a swap the focus goes to what is new, and the page says what that is.
document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
  const target = typeof ctx.target === "string" ? document.querySelector(ctx.target) : ctx.target;
  const region = target?.isConnected ? target : document.getElementById(target?.id) ?? document.getElementById("main");
  enhance(region);
  const alert = region.querySelector("[role=alert]");
  const next = alert ?? region.querySelector("[data-focus]") ?? region.querySelector("h1");
  if (!next) return;
  if (region.id === "main") scrollTo(0, 0);
  focusOn(next, { preventScroll: region.id === "main" && !alert });
  if (!alert) say(region.id === "main" && ctx.title ? ctx.title : next.textContent.trim());
  showNews(region);
});

// A thread opens at what is new in it, where that would be out of sight, and unless the address says where.
function showNews(region) {
  const message = region.querySelector("#nouveau")?.closest("li");
  const isBelow = message?.previousElementSibling && message.getBoundingClientRect().bottom > innerHeight;
  if (isBelow && !location.hash) message.scrollIntoView({ block: "start" });
  const row = region.querySelector(".threads [aria-current]");
  const list = row?.closest(".threads");
  if (!list) return;
  list.scrollTop = listTop;
  const isSeen = row.offsetTop >= listTop && row.offsetTop + row.offsetHeight <= listTop + list.clientHeight;
  if (!isSeen) list.scrollTop = row.offsetTop - 96;
}

// Beside a thread the list stays where it was; under a thread that is opened from it, the way back leads to its row.
let listTop = 0;
document.addEventListener("htmx:before:request", ({ target }) => {
  document.getElementById("foule")?.remove();
  const list = target.closest?.(".threads");
  if (!list) return;
  listTop = list.scrollTop;
  if (!list.closest(".panes")) history.replaceState(history.state, "", `#${target.closest("li").id}`);
});

// A browser that goes back to a list by loading it again puts it at the height of the thread that was left.
const left = location.hash.startsWith("#fil-") && document.getElementById(location.hash.slice(1));
if (left) addEventListener("load", () => setTimeout(() => left.scrollIntoView({ block: "nearest" })));

enhance(document);
const refusal = document.querySelector(".error-summary, main [role=alert], main [data-said]");
// A page that is opened at a place in it takes the focus away once more when it has loaded.
if (refusal && location.hash && document.readyState !== "complete") addEventListener("load", () => setTimeout(() => focusOn(refusal)));
else if (refusal) focusOn(refusal);
else showNews(document);
