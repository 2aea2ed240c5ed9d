// Codes that are shown once: to copy, or to print.

for (const button of document.querySelectorAll("[data-copy], [data-print]")) button.hidden = false;

document.addEventListener("click", async ({ target }) => {
  const button = target.closest("[data-copy], [data-print]");
  if (!button) return;
  if (button.dataset.copy === undefined) {
    window.print();
    return;
  }
  const codes = document.getElementById(button.dataset.copy);
  try {
    await navigator.clipboard.writeText(codes.innerText);
  } catch {
    getSelection().selectAllChildren(codes); // not allowed here: at least they are marked
    return;
  }
  button.textContent = button.dataset.copied;
  document.getElementById("status").textContent = button.dataset.copied;
});
