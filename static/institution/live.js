// Parts of a page that follow what is typed (search results, checks of an application): a failed request says so beside
// the part, which keeps what it showed before.
import { touched } from "../js/touched.js";

const boxOf = (target) => document.querySelector(`[data-live-error="${target?.id ?? ""}"]`);

function show(event, failed) {
  const box = boxOf(event.detail.target ?? event.target);
  if (box) {
    box.hidden = !failed;
  }
}

for (const name of ["htmx:responseError", "htmx:sendError", "htmx:timeout"]) {
  document.addEventListener(name, (event) => show(event, true));
}
document.addEventListener("htmx:afterSwap", (event) => show(event, false));

// What was typed before anything here could hear it counts as typed now.
window.addEventListener("load", () => {
  for (const form of document.forms) {
    for (const field of touched(form)) {
      field.dispatchEvent(new Event("input", { bubbles: true }));
      field.dispatchEvent(new Event("change", { bubbles: true }));
    }
  }
});

// What else the page says depends on it: the page is fetched anew with all that was asked for.
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-reload]")) {
    event.target.form.submit();
  }
});
