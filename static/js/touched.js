// What was typed before this page's scripts were there to hear it: on a slow line a person is quicker than they are.

function differs(control) {
  if (!control.name || ["hidden", "submit", "button", "reset", "image", "file", "password"].includes(control.type)) {
    return false;
  }
  if (control.type === "checkbox" || control.type === "radio") {
    return control.checked !== control.defaultChecked;
  }
  if (control.tagName === "SELECT") {
    const options = [...control.options];
    if (control.multiple) {
      return options.some((option) => option.selected !== option.defaultSelected);
    }
    return control.selectedIndex !== Math.max(options.findLastIndex((option) => option.defaultSelected), 0);
  }
  return "defaultValue" in control && control.value !== control.defaultValue;
}

// The form's controls that hold something else than the server sent. What the browser brings back of a page gone back
// to is nothing new: it was kept, or sent, when that page was left.
export function touched(form) {
  const [visit] = performance.getEntriesByType("navigation");
  return visit?.type === "back_forward" ? [] : [...form.elements].filter(differs);
}
