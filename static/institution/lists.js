// A list that htmx fetches says when it could not; the conditions stay as they are and can be sent again.
const shown = (list) => document.querySelector(`[data-list-error="${list}"]`);

function tell(event, hidden) {
  const box = shown(event.detail.target?.id ?? "");
  if (box) {
    box.hidden = hidden;
  }
}

document.addEventListener("htmx:beforeRequest", (event) => tell(event, true));
for (const name of ["htmx:responseError", "htmx:sendError", "htmx:timeout"]) {
  document.addEventListener(name, (event) => tell(event, false));
}
