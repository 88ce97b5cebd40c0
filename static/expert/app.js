// On every page of an expert: shows what is unsent and sends it, keeps the coming visits for days without network.

import { send } from "./sending.js";
import * as store from "./store.js";

const bar = document.getElementById("unsent");
const text = bar.querySelector(".unsent__text");
const button = bar.querySelector(".unsent__send");
const person = bar.dataset.person;
const addresses = { sessionAddress: bar.dataset.session, sendAddress: bar.dataset.send };
const PAGES = "expert-pages";
const FORGET_MS = 2000;
let leaving = false;

async function show(outcome) {
  const unsent = (await store.all()).filter(store.isUnsent);
  const own = unsent.filter((record) => record.person === person);
  const refused = own.filter((record) => record.state === "rejected");
  const foreign = unsent.length - own.length;
  const parts = [];
  if (own.length) {
    parts.push(`未送信 ${own.length}件`);
  }
  if (own.length && outcome === "signed-out") {
    parts.push("ログインすると送信します。");
  } else if (own.length > refused.length && outcome === "offline") {
    parts.push("通信できるときに送信します。");
  }
  for (const record of refused) {
    parts.push(`${record.kind}の記録を受け付けられませんでした：${record.reason}`);
  }
  if (foreign) {
    parts.push(`この端末に、別の利用者の未送信の記録が${foreign}件あります。その方がログインすると送信されます。`);
  }
  bar.hidden = !parts.length;
  const words = parts.join("　");
  if (text.textContent !== words) {
    text.textContent = words;
  }
  button.hidden = !own.length;
  button.textContent = outcome === "signed-out" ? "ログインする" : "いま送る";
  bar.dataset.outcome = outcome ?? "";
  document.dispatchEvent(new CustomEvent("expert:queue"));
}

async function sendNow(again) {
  await show(bar.dataset.outcome);
  await show(await send(addresses, again));
}

button.addEventListener("click", () => {
  if (bar.dataset.outcome === "signed-out") {
    location.href = `${bar.dataset.signIn}?next=/expert/`;
  } else {
    sendNow(true);
  }
});
document.addEventListener("expert:recorded", () => sendNow(false));
window.addEventListener("online", () => sendNow(false));
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible") {
    sendNow(false);
  }
});

// The shell and the coming visits, for the service worker to keep. A page that is out of date at once isn't kept.
function pages() {
  const visits = [...document.querySelectorAll("#kept [data-url]")].map((item) => item.dataset.url);
  const here = document.querySelector("[data-not-kept]") ? [] : [location.pathname];
  return [...new Set([...here, ...visits])];
}

function shell() {
  const loaded = performance.getEntriesByType("resource").map((entry) => new URL(entry.name));
  return [...new Set(loaded.filter((url) => url.origin === location.origin && url.pathname.startsWith("/static/")).map((url) => url.pathname))];
}

async function install() {
  if (!("serviceWorker" in navigator)) {
    return;
  }
  const registration = await navigator.serviceWorker.register(bar.dataset.worker, { scope: "/expert/" });
  await navigator.serviceWorker.ready;
  const working = registration.active;
  if (navigator.onLine && working && !leaving) {
    working.postMessage({ person, pages: pages(), shell: shell() });
  }
}

// The kept pages go, and what the worker is just fetching doesn't come back after them.
async function forgetPages() {
  leaving = true;
  const worker = navigator.serviceWorker?.controller;
  if (worker) {
    const { port1, port2 } = new MessageChannel();
    await new Promise((resolve) => {
      port1.onmessage = resolve;
      setTimeout(resolve, FORGET_MS);
      worker.postMessage({ forget: true }, [port2]);
    });
  }
  if ("caches" in window) {
    for (const name of await caches.keys()) {
      if (name.startsWith(PAGES)) {
        await caches.delete(name);
      }
    }
  }
}

// Signing out on purpose takes the kept pages along. What is unsent stays: it is evidence, and bound to its person;
// whoever signs out is told so and may stay.
for (const form of document.querySelectorAll('form[action="/sign-out/"]')) {
  form.addEventListener("submit", async (event) => {
    if (form.dataset.cleared === "yes") {
      return;
    }
    event.preventDefault();
    await show(await send(addresses));
    const own = (await store.all()).filter((record) => store.isUnsent(record) && record.person === person);
    const warning = `未送信の記録が${own.length}件あります。ログアウトしても、この端末に残ります。次にこの端末でログインしたときに送信します。\n\nログアウトしますか。`;
    if (own.length && !window.confirm(warning)) {
      return;
    }
    await forgetPages();
    await store.forgetSent(true);
    form.dataset.cleared = "yes";
    form.submit();
  });
}

navigator.storage?.persist?.();
await store.forgetSent(false);
sendNow(false);
if (document.readyState === "complete") {
  install();
} else {
  window.addEventListener("load", install);
}
