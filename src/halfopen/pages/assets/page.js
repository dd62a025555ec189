// What a page does beside its pictures: copy code, open what is folded around a place that is jumped to.

function reveal(id) {
  const place = id && document.getElementById(id);
  if (!place) return;
  for (let at = place; at; at = at.parentElement) {
    if (at.tagName === "DETAILS") at.open = true;
    // a finding's own fold lies inside the element that carries its name
    if (at === place && at.classList.contains("finding")) {
      const fold = at.querySelector(":scope > details.fold");
      if (fold) fold.open = true;
    }
  }
  document.querySelectorAll(".quotes li.shown").forEach((item) => item.classList.remove("shown"));
  if (place.matches(".quotes li")) place.classList.add("shown");
  place.scrollIntoView({ block: place.matches(".quotes li") ? "center" : "start" });
  place.focus({ preventScroll: true });
}

document.addEventListener("halfopen:jump", (event) => reveal(event.detail));
window.addEventListener("hashchange", () => reveal(decodeURIComponent(location.hash.slice(1))));
if (location.hash) reveal(decodeURIComponent(location.hash.slice(1)));

function select(element) {
  const range = document.createRange();
  range.selectNodeContents(element);
  const selection = getSelection();
  selection.removeAllRanges();
  selection.addRange(range);
}

for (const button of document.querySelectorAll("button.copy")) {
  button.addEventListener("click", async () => {
    const code = document.getElementById(button.dataset.copy);
    let copied = false;
    try {
      await navigator.clipboard.writeText(code.textContent);
      copied = true;
    } catch {
      select(code); // a file opened from disk may have no clipboard: the old way, then by hand
      copied = document.execCommand && document.execCommand("copy");
    }
    button.textContent = copied ? "Copied" : "Selected";
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });
}
