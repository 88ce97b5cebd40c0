// The page of one visit: one button with the next action. Each press is on the disk before anything else happens.

import SignaturePad from "../vendor/signature_pad/signature_pad.min.js";
import { measure } from "./position.js";
import * as store from "./store.js";

const START = "開始";
const END = "終了";
const facts = JSON.parse(document.getElementById("visit-facts").textContent);
const { person } = document.getElementById("unsent").dataset;
const byId = (id) => document.getElementById(id);
const dialog = byId("signing");
const canvas = byId("pad");
const name = byId("signer-name");
let pad = null;
let endedAt = null;
// Whoever is there on another day than planned says so first: a press too early would stand as the start for good.
let onAnotherDay = false;

const clock = (moment) =>
  new Date(moment).toLocaleString("ja-JP", { month: "numeric", day: "numeric", hour: "2-digit", minute: "2-digit", timeZone: "Asia/Tokyo" });

// Times from the server are Japan's, without a zone.
const moment = (value) => (/[Z+]|-\d\d:\d\d$/.test(value.slice(10)) ? value : `${value}+09:00`);

async function known() {
  const local = (await store.all()).filter((record) => record.dispatch === facts.number && record.person === person);
  const heard = new Set(facts.events.map((event) => event.event_id));
  return [
    ...facts.events.map((event) => ({ ...event, state: "sent" })),
    ...local.filter((record) => !heard.has(record.event_id)),
  ];
}

function pick(events, kind, latest) {
  const times = events.filter((event) => event.kind === kind).sort((a, b) => Date.parse(moment(a.device_time)) - Date.parse(moment(b.device_time)));
  return latest ? times.at(-1) : times[0];
}

function step(element, event) {
  element.toggleAttribute("data-done", Boolean(event));
  element.querySelector(".visit-steps__state").textContent = event
    ? `${clock(moment(event.device_time))}${event.state === "sent" ? " 送信済" : " 未送信"}`
    : "まだです";
}

const today = () => new Date().toLocaleDateString("sv-SE", { timeZone: "Asia/Tokyo" });

async function draw() {
  const events = await known();
  const start = pick(events, START, false);
  const end = pick(events, END, true);
  step(document.querySelector("[data-step=start]"), start);
  step(document.querySelector("[data-step=end]"), end);
  const another = byId("another-day");
  // a page kept by the phone from before has no such part: it offers the check-in as ever
  const asksFirst = Boolean(another) && !start && !end && !onAnotherDay && today() !== facts.planned_day;
  another?.toggleAttribute("hidden", !asksFirst);
  byId("check-in").hidden = asksFirst || Boolean(start || end);
  byId("hand-over").hidden = !start || Boolean(end);
  byId("only-end").hidden = asksFirst || Boolean(start || end);
  byId("visit-next").textContent = end ? "チェックアウトまで記録しました。お疲れさまでした。" : "";
  byId("signed-start").textContent = start ? clock(moment(start.device_time)) : "記録なし";
}

async function record(kind, more = {}) {
  const entry = {
    event_id: crypto.randomUUID(),
    person,
    dispatch: facts.number,
    kind,
    device_time: new Date().toISOString(),
    made_at: Date.now(),
    state: "measuring",
    ...more,
  };
  await store.keep(entry);
  await draw();
  const position = byId("position");
  position.textContent = "記録しました。位置を測っています…";
  const found = await measure();
  await store.change(entry.event_id, { ...found, state: "waiting" });
  position.textContent =
    found.latitude === undefined
      ? "位置を測れませんでした。記録は残っています。後日、位置の申告書をお願いすることがあります。"
      : `位置も記録しました（精度 約${Math.round(found.accuracy)}m）。`;
  document.dispatchEvent(new CustomEvent("expert:recorded"));
}

// A second press while the first is being written does nothing.
function once(button, act) {
  button.addEventListener("click", async () => {
    if (button.getAttribute("aria-disabled") === "true") {
      return;
    }
    button.setAttribute("aria-disabled", "true");
    try {
      await act();
    } finally {
      button.removeAttribute("aria-disabled");
    }
  });
}

function fit() {
  // once, when it opens: a canvas that is resized later would lose the drawing
  const ratio = Math.max(window.devicePixelRatio || 1, 1);
  canvas.width = canvas.offsetWidth * ratio;
  canvas.height = canvas.offsetHeight * ratio;
  canvas.getContext("2d").scale(ratio, ratio);
}

function openSigning() {
  endedAt = new Date().toISOString();
  byId("signed-end").textContent = clock(endedAt);
  dialog.showModal();
  if (!pad) {
    fit();
    pad = new SignaturePad(canvas, { minWidth: 1, maxWidth: 3 });
  }
  dialog.scrollTop = 0;
}

function complain(words, field) {
  const summary = byId("signing-errors");
  summary.textContent = words;
  summary.hidden = !words;
  if (words) {
    summary.focus();
    field?.setAttribute("aria-invalid", "true");
  }
}

function signedText() {
  const lines = [...document.querySelectorAll("#signed-facts > div")].map(
    (row) => `${row.children[0].textContent}：${row.children[1].textContent.trim()}`,
  );
  return [...lines, byId("signed-statement").textContent].join("\n");
}

function signature() {
  const strokes = pad.toData().map((stroke) => stroke.points.map((point) => [Math.round(point.x), Math.round(point.y)]));
  return { strokes, width: canvas.offsetWidth, height: canvas.offsetHeight, text: signedText() };
}

async function finish(more) {
  dialog.close();
  await record(END, { ...more, device_time: endedAt });
}

once(byId("check-in"), () => record(START));
byId("is-another-day")?.addEventListener("click", async () => {
  onAnotherDay = true;
  await draw();
  byId("check-in").focus();
});
byId("hand-over").addEventListener("click", openSigning);
byId("only-end").addEventListener("click", openSigning);
byId("signing-close").addEventListener("click", () => dialog.close());
byId("pad-clear").addEventListener("click", () => pad.clear());
once(byId("unsigned"), () => finish({ signer_name: "" }));

let finishing = false;
byId("signing-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  name.removeAttribute("aria-invalid");
  if (!name.value.trim()) {
    complain("お名前を入力してください。", name);
    return;
  }
  if (pad.isEmpty() && !byId("typed-only").checked) {
    complain("手書きの署名をお願いします。書けないときは「手書きの代わりに、氏名の入力で署名する」を選んでください。");
    return;
  }
  complain("");
  if (!finishing) {
    finishing = true;
    const more = { signer_name: name.value.trim() };
    if (!pad.isEmpty()) {
      more.signature = signature();
    }
    await finish(more);
    finishing = false;
  }
});

// Enter in the name only ends the input (also of an input method): signing is a press of its own button.
name.addEventListener("keydown", (event) => {
  if (event.key === "Enter") {
    event.preventDefault();
  }
});

document.addEventListener("expert:queue", draw);
// a page left open over midnight
document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && draw());
draw();
