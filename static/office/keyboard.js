// Keys of the findings queue and of a dispatch opened from it. Off in fields, during IME composition and in dialogs;
// a person can switch them off for this browser (WCAG 2.1.4). Everything they do can be done with links and buttons.

const OFF = "office-keys-off";
const help = document.querySelector("[data-keys-help]");
const dialog = document.querySelector("[data-keys-dialog]");
const choice = document.querySelector("[data-keys-switch]");
const list = document.querySelector("[data-keys='list']");

function stored() {
  try {
    return localStorage.getItem(OFF) === "yes";
  } catch {
    return false; // no storage here: the keys work, the switch counts for this page
  }
}

let off = stored();

if (help && dialog) {
  help.hidden = false;
  help.addEventListener("click", () => dialog.showModal());
}

if (choice) {
  choice.checked = !off;
  choice.addEventListener("change", () => {
    off = !choice.checked;
    try {
      if (off) {
        localStorage.setItem(OFF, "yes");
      } else {
        localStorage.removeItem(OFF);
      }
    } catch {
      // kept for this page only
    }
  });
}

function writing(target) {
  return target instanceof HTMLElement && (target.isContentEditable || target.matches("input, textarea, select"));
}

function row(step) {
  const rows = [...list.querySelectorAll("[data-row]")];
  const at = rows.findIndex((link) => link.closest("tr").contains(document.activeElement));
  const next = at < 0 ? (step > 0 ? 0 : rows.length - 1) : Math.min(Math.max(at + step, 0), rows.length - 1);
  const link = rows[next];
  if (link) {
    link.focus();
    link.closest("tr").scrollIntoView({ block: "nearest" });
  }
}

function openAct(name) {
  const act = document.querySelector(`details[data-act='${name}']`);
  if (!act) {
    return false;
  }
  act.open = true;
  const first =
    act.querySelector("input[type=radio]:checked") ??
    act.querySelector("input:not([type=hidden]), textarea, select, button");
  const target = first ?? act.querySelector("summary");
  target.focus();
  if (document.activeElement !== target) {
    // what has just been opened may not be laid out yet
    requestAnimationFrame(() => target.focus());
  }
  act.scrollIntoView({ block: "nearest" });
  return true;
}

function follow(name) {
  const link = document.querySelector(`a[data-key='${name}']`);
  if (!link) {
    return false;
  }
  link.click();
  return true;
}

function pressed(key) {
  if (key === "?") {
    dialog?.showModal();
    return Boolean(dialog);
  }
  if (list) {
    if (key === "j" || key === "k") {
      row(key === "j" ? 1 : -1);
      return true;
    }
    return false;
  }
  const acts = { a: "ask", r: "return", c: "correct", w: "waive", h: "hold", v: "verify" };
  if (Object.hasOwn(acts, key)) {
    return openAct(acts[key]);
  }
  const ways = { j: "next", k: "previous", u: "up" };
  return Object.hasOwn(ways, key) && follow(ways[key]);
}

document.addEventListener("keydown", (event) => {
  const busy = event.defaultPrevented || event.isComposing || event.keyCode === 229 || event.repeat;
  const chord = event.ctrlKey || event.metaKey || event.altKey;
  // the help stays within reach by its button, also while the keys are off
  if (off || busy || chord || writing(event.target) || document.querySelector("dialog[open]")) {
    return;
  }
  if (pressed(event.key)) {
    event.preventDefault();
  }
});

// The chosen row is marked as a whole; the focus itself stays on its link, where Enter opens it.
list?.addEventListener("focusin", (event) => {
  for (const marked of list.querySelectorAll("tr.is-chosen")) {
    marked.classList.remove("is-chosen");
  }
  event.target.closest("tbody tr")?.classList.add("is-chosen");
});
