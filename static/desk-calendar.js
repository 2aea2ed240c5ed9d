// Arrow keys go from slot to slot of the week; Tab still goes through all of them.

const grid = document.querySelector(".week-grid table");

function columns() {
  const found = [];
  for (const row of grid?.tBodies[0]?.rows ?? []) {
    [...row.cells].slice(1).forEach((cell, day) => (found[day] ??= []).push(...cell.querySelectorAll("a.slot")));
  }
  return found.map((links) => links.filter((link) => link.checkVisibility()));
}

function nearest(links, time) {
  const at = (link) => link.querySelector("time").textContent;
  return links.find((link) => at(link) >= time) ?? links.at(-1);
}

function next(key, from) {
  const days = columns();
  const day = days.findIndex((links) => links.includes(from));
  if (day < 0) return null;
  const place = days[day].indexOf(from);
  if (key === "ArrowDown") return days[day][place + 1];
  if (key === "ArrowUp") return days[day][place - 1];
  if (key === "Home") return days[day][0];
  if (key === "End") return days[day].at(-1);
  const way = key === "ArrowRight" ? days.slice(day + 1) : days.slice(0, day).reverse();
  const beside = way.find((links) => links.length);
  return beside && nearest(beside, from.querySelector("time").textContent);
}

grid?.addEventListener("keydown", (event) => {
  const from = event.target.closest?.("a.slot");
  if (!from || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
  if (!/^(Arrow(Up|Down|Left|Right)|Home|End)$/.test(event.key)) return;
  event.preventDefault();
  next(event.key, from)?.focus();
});
