// Finding a patient without leaving the keyboard, and printing the slip. Every page works without this file.

const field = document.querySelector("[data-find]");
const status = document.getElementById("status");

const results = () => [...document.querySelectorAll("#resultats .found a")];

document.addEventListener("keydown", (event) => {
  if (!field || !["ArrowDown", "ArrowUp", "Escape"].includes(event.key) || event.altKey || event.ctrlKey || event.metaKey) return;
  const links = results();
  const place = links.indexOf(document.activeElement);
  if (place < 0 && document.activeElement !== field) return;
  if (event.key === "Escape") {
    if (place < 0) return; // the field empties itself
    field.focus();
    return;
  }
  const next = place + (event.key === "ArrowDown" ? 1 : -1);
  if (next >= links.length || (place < 0 && next < 0)) return;
  event.preventDefault();
  (links[next] ?? field).focus();
});

// Said a little after the typing, so that only what stays is.
let saying;
document.addEventListener("htmx:after:swap", () => {
  clearTimeout(saying);
  saying = setTimeout(() => { status.textContent = document.querySelector("#resultats [data-announced]")?.textContent.trim() ?? ""; }, 600);
});

if (field?.value && document.activeElement === field) field.setSelectionRange(field.value.length, field.value.length);

for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => print());
}
