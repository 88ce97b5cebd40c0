// A form marked data-once is sent once: a second press while the answer is under way does nothing.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("form[data-once]")) {
    return;
  }
  if (form.dataset.sent === "yes") {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "yes";
  for (const button of form.querySelectorAll("button[type=submit]")) {
    button.setAttribute("aria-disabled", "true");
  }
});

// Coming back with the browser's back button must find the form usable again.
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-once]")) {
    delete form.dataset.sent;
    for (const button of form.querySelectorAll("button[aria-disabled]")) {
      button.removeAttribute("aria-disabled");
    }
  }
});

// After a page came back with errors, the summary is what a person meets first.
const summary = document.querySelector(".error-summary");
if (summary) {
  summary.focus();
}

// Enter that ends a conversion of the Japanese input method is no Enter of the form (229: Safari says it a moment late).
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.isComposing || event.keyCode === 229) && event.target.matches("input")) {
    event.preventDefault();
  }
});
