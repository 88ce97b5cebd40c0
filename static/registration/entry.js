// The invited person's form: the device's position as the base, and nothing typed is lost when a file is added.

const form = document.getElementById("entry");
const here = document.querySelector("[data-here]");
const said = document.querySelector("[data-here-said]");

if (here && "geolocation" in navigator) {
  here.hidden = false;
  here.addEventListener("click", () => {
    said.textContent = "位置を測っています…";
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => {
        form.elements.base_latitude.value = coords.latitude.toFixed(6);
        form.elements.base_longitude.value = coords.longitude.toFixed(6);
        form.dispatchEvent(new Event("change"));
        said.textContent = `位置を入力しました（精度 約${Math.round(coords.accuracy)}m）。`;
      },
      () => {
        said.textContent = "位置を測れませんでした。空のままでも提出できます。";
      },
      { enableHighAccuracy: true, timeout: 15_000, maximumAge: 60_000 },
    );
  });
}

// Adding or removing a file loads the page anew: what is typed goes first.
for (const other of document.querySelectorAll('#certificates form')) {
  other.addEventListener("submit", async (event) => {
    if (other.dataset.kept === "yes" || !form?.autosave?.dirty) {
      return;
    }
    event.preventDefault();
    event.stopImmediatePropagation();
    await form.autosave.save();
    other.dataset.kept = "yes";
    other.requestSubmit(event.submitter ?? undefined);
  }, { capture: true });
}
