// On a small screen the navigation folds behind one button; without this file it simply stays open.
const toggle = document.querySelector(".site-nav__toggle");

if (toggle) {
  toggle.hidden = false;
  toggle.setAttribute("aria-expanded", "false");
  toggle.addEventListener("click", () => {
    const open = toggle.getAttribute("aria-expanded") === "true";
    toggle.setAttribute("aria-expanded", String(!open));
  });
}

// An open menu closes on Escape (focus returns to it) and on a click elsewhere.
for (const menu of document.querySelectorAll("details.user-menu, details.site-nav__more")) {
  document.addEventListener("click", (event) => {
    if (!menu.contains(event.target)) {
      menu.open = false;
    }
  });
  menu.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && menu.open) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });
}
