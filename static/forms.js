// Forms that are filled in at one go: what is still missing is shown while typing. The server decides.

const RULES = {
  length: (text) => [...text].length >= 8,
  lower: (text) => /\p{Ll}/u.test(text),
  upper: (text) => /\p{Lu}/u.test(text),
  digit: (text) => /\p{Nd}/u.test(text),
  special: (text) => /[^\p{Ll}\p{Lu}\p{Nd}]/u.test(text),
};

function showConditions(input) {
  for (const item of document.getElementById(input.dataset.conditions).children) {
    const isMet = RULES[item.dataset.rule](input.value.normalize("NFC"));
    item.classList.toggle("is-met", isMet);
    item.querySelector("[hidden], .visually-hidden").hidden = !isMet;
  }
}

const isFilled = (field) =>
  field.type === "radio" || field.type === "checkbox"
    ? field.form.querySelector(`[name="${field.name}"]:checked`) !== null
    : field.value.trim() !== "";

function isRight(field) {
  if (field.dataset.conditions) return Object.values(RULES).every((rule) => rule(field.value.normalize("NFC")));
  if (field.dataset.sameAs) return field.value === document.getElementById(field.dataset.sameAs).value;
  if (field.type === "email") return /^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(field.value.trim());
  return field.validity.valid;
}

// The button only looks disabled: pressed all the same, it lets the server say what is missing.
function showReadiness(form) {
  const fields = [...form.querySelectorAll("[aria-required]")];
  const isReady = fields.every((field) => isFilled(field) && isRight(field));
  const button = form.querySelector("[data-when-complete]");
  if (isReady) button.removeAttribute("aria-disabled");
  else button.setAttribute("aria-disabled", "true");
}

function refresh(form) {
  form.querySelectorAll("[data-conditions]").forEach(showConditions);
  if (form.querySelector("[data-when-complete]")) showReadiness(form);
}

// The choices seldom made wait behind one that says so; it is no choice itself.
function fold(select) {
  const rest = [...select.querySelectorAll("[data-rest]")];
  if (rest.some((option) => option.selected)) return;
  const more = new Option(select.dataset.more, "");
  rest.forEach((option) => option.remove());
  select.append(more);
  let chosen = select.value;
  select.addEventListener("change", () => {
    if (!more.isConnected || !more.selected) {
      chosen = select.value;
      return;
    }
    more.replaceWith(...rest);
    select.value = chosen;
    try { select.showPicker(); } catch { /* it opens by the next touch */ }
  });
}

document.querySelectorAll("select[data-more]").forEach(fold);
document.querySelectorAll("form").forEach(refresh);
document.addEventListener("input", ({ target }) => target.form && refresh(target.form));
document.addEventListener("change", ({ target }) => target.form && refresh(target.form));
