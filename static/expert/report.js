// Report, claim and declarations: what is typed is kept on the server while typing, and in this browser until it is
// there. Without this file the pages work as plain forms.

import { touched } from "../js/touched.js";
import { keeper } from "./report-keeping.js";

const form = document.getElementById("entry");
const text = document.getElementById("id_report");
const length = document.getElementById("report-length");

function count() {
  if (!text || !length) {
    return;
  }
  const letters = [...text.value].length;
  length.textContent = letters.toLocaleString("ja-JP");
  length.parentElement.toggleAttribute("data-over", letters > 10000);
}

// Puts the answered lines into the page; the rest of it stays as it is, with the cursor in it.
function replaceLines(html, follow) {
  const found = new DOMParser().parseFromString(html, "text/html").getElementById("lines");
  if (!found) {
    return false;
  }
  document.getElementById("lines").replaceWith(found);
  if (!follow) {
    nameLines();
    return true;
  }
  const next = found.querySelector("[data-focus] :is(input:not([type=hidden]), select, textarea)");
  if (next) {
    next.closest(".line").scrollIntoView({ block: "nearest" });
    next.focus({ preventScroll: true });
  } else {
    const adding = found.querySelector(".adding button");
    adding?.focus();
  }
  nameLines();
  return true;
}

// The choice of a line beside the receipts follows the lines.
function nameLines() {
  const choice = document.querySelector("[data-receipts-line-field]");
  if (!choice) {
    return;
  }
  const { value } = choice;
  const options = [...document.querySelectorAll("#lines [data-number]")].map(
    (line) => new Option(`${line.dataset.number}行目 ${line.dataset.kind}`, line.dataset.number),
  );
  choice.replaceChildren(choice.options[0], ...options);
  choice.value = options.some((option) => option.value === value) ? value : "";
}

if (form) {
  const keeping = keeper(form);
  let busy = false;
  let going = false;
  let gone = false;

  const working = async (act) => {
    if (busy) {
      return;
    }
    busy = true;
    form.setAttribute("aria-busy", "true");
    try {
      await act();
    } finally {
      busy = false;
      form.removeAttribute("aria-busy");
    }
  };

  // A press that only changes the lines.
  const part = (action, follow = true) =>
    working(async () => {
      if (!(await keeping.save())) {
        return;
      }
      const answer = await keeping.send(form.getAttribute("action"), { action });
      if (answer && replaceLines(answer, follow)) {
        keeping.settled();
      }
    });

  // A press that leads to another page: only once everything is on the server.
  const leave = (button) =>
    working(async () => {
      if (button.value === "mine" || (await keeping.save())) {
        keeping.leaving();
        // a form doesn't submit while it is still telling of its last submission
        await new Promise((next) => window.setTimeout(next));
        going = true;
        form.requestSubmit(button);
        gone = true;
      }
    });

  document.addEventListener("submit", (event) => {
    if (event.target !== form || (going && !gone)) {
      return;
    }
    event.preventDefault();
    if (gone) {
      return; // a second press while the next page is on its way
    }
    const button = event.submitter;
    if (!button || button.classList.contains("visually-hidden")) {
      working(() => keeping.save(true));
    } else if (button.hasAttribute("data-part")) {
      part(button.value);
    } else if (button.value === "save") {
      working(() => keeping.save(true));
    } else {
      leave(button);
    }
  });

  form.addEventListener("change", (event) => {
    const action = event.target.dataset.action;
    if (action) {
      keeping.changed();
      part(action);
    }
  });

  // Enter ends the input (also of an input method) and sends nothing.
  form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.target.matches("input:not([type=submit]), select")) {
      event.preventDefault();
    }
  });

  form.addEventListener("input", () => {
    count();
    keeping.changed();
  });

  // A picture was added or removed: the lines say which they have.
  form.addEventListener("receipts:changed", () => part("lines", false));

  window.addEventListener("pageshow", () => {
    going = false;
    gone = false;
  });
  count();
  if (!keeping.restore() && touched(form).length) {
    keeping.changed();
  }
}
