// The application: shows the inputs that a choice or a rule asks for, leads to what is missing, takes the phone's position.
// Without this file every input can be reached: the server shows what is needed when the form is sent.
const form = document.getElementById("application");

function choice(name) {
  return form.querySelector(`[name="${name}"]:checked`)?.value ?? "";
}

function arrange() {
  const method = choice("method");
  for (const part of form.querySelectorAll("[data-method]")) {
    part.hidden = part.dataset.method === "WEB" ? method !== "WEB" : method === "WEB";
  }
  const absent = form.querySelector("[data-absent]");
  if (absent) {
    absent.hidden = choice("accompanied") !== "no";
  }
}

function needed() {
  const needs = document.querySelector("[data-needs]")?.dataset.needs.split(" ") ?? [];
  for (const part of form.querySelectorAll("[data-needed]")) {
    const typed = part.querySelector("textarea")?.value.trim();
    part.hidden = !needs.includes(part.dataset.needed) && !typed;
  }
}

// The summary names what is missing; a press leads there, also where the input is a group of choices.
document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-to-input]");
  if (!link) {
    return;
  }
  const name = link.dataset.toInput;
  const input =
    name === "expert" ? document.getElementById("id_expert_choose") : form.querySelector(`[name="${name}"]:not([type=hidden])`);
  if (input) {
    event.preventDefault();
    input.focus();
    input.scrollIntoView({ block: "center" });
  }
});

for (const button of form.querySelectorAll("[data-locate]")) {
  const status = button.parentElement.querySelector("[data-locate-status]");
  button.hidden = !("geolocation" in navigator);
  button.addEventListener("click", () => {
    status.textContent = "位置を調べています…";
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => {
        const input = document.getElementById(button.dataset.locate);
        input.value = `${coords.latitude.toFixed(6)}, ${coords.longitude.toFixed(6)}`;
        input.dispatchEvent(new Event("input", { bubbles: true }));
        status.textContent = `入れました（誤差 約${Math.round(coords.accuracy)}m）。`;
      },
      () => {
        status.textContent = "位置を取得できませんでした。地図で調べて貼り付けてください。";
      },
      { enableHighAccuracy: true, timeout: 10_000 },
    );
  });
}

form.addEventListener("change", arrange);
document.addEventListener("htmx:afterSettle", needed);
arrange();
