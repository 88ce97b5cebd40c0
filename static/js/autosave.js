// Saves what is typed into a form while it is typed, so that a session that ended or a broken network loses nothing.
//
// A form takes part by these attributes (templates/institution/drafts/status.html writes the line that shows it):
//   <form data-autosave="/portal/drafts/<form>/<object>/" …> … <p data-autosave-status role="status"></p>
// and the page names the signed-in person: <meta name="autosave-person" content="…">.
//
// The address takes POST {"values": {field: text or [texts]}} with the CSRF token of the form and answers
// {"shown": "10:42"}; 413 says that it is too large. What it leads elsewhere (sign-in) or refuses with 403 stays in
// this tab (sessionStorage), bound to the person and the address, and comes back into the form after sign-in.
// A form whose server counts revisions has <input type="hidden" data-autosave-revision>: it goes along as {"revision"}, the answer
// brings the next, and 409 says that another window was faster.
// Fields without a name, passwords, files and those marked data-no-autosave are left out.

import { touched } from "./touched.js";

const WAIT_MS = 1200;
const RETRY_MS = 15_000;
const SUBMIT_WAIT_MS = 5000;
const PREFIX = "draft:";

const person = document.querySelector('meta[name="autosave-person"]')?.content ?? "";
const keyOf = (address) => `${PREFIX}${person}:${address}`;

// --- what the tab keeps -------------------------------------------------------------------------------------------

function kept(address) {
  try {
    return JSON.parse(sessionStorage.getItem(keyOf(address)) ?? "null");
  } catch {
    return null;
  }
}

function keep(address, values, leaving = false) {
  const page = location.pathname + location.search;
  try {
    sessionStorage.setItem(keyOf(address), JSON.stringify({ values, page, leaving }));
    return true;
  } catch {
    return false; // storage is full or switched off
  }
}

const forget = (address) => sessionStorage.removeItem(keyOf(address));

// Another person signed in in this tab: what the one before typed is none of their business.
function forgetOthers() {
  for (const key of Object.keys(sessionStorage)) {
    if (key.startsWith(PREFIX) && !key.startsWith(`${PREFIX}${person}:`)) {
      sessionStorage.removeItem(key);
    }
  }
}

// --- forms and their values ---------------------------------------------------------------------------------------

const isSaved = (field) =>
  field.name &&
  field.name !== "csrfmiddlewaretoken" &&
  !["password", "file", "submit", "button", "reset", "image"].includes(field.type) &&
  !field.hasAttribute("data-no-autosave");

const isBox = (field) => field.type === "checkbox" || field.type === "radio";

export function valuesOf(form) {
  const values = {};
  for (const field of form.elements) {
    if (!isSaved(field)) {
      continue;
    }
    if (field.type === "checkbox") {
      // one box is a text, several of one name are a list; nothing ticked is said as well
      const alone = form.querySelectorAll(`input[type=checkbox][name="${CSS.escape(field.name)}"]`).length === 1;
      if (alone) {
        values[field.name] = field.checked ? field.value : "";
      } else {
        values[field.name] ??= [];
        if (field.checked) {
          values[field.name].push(field.value);
        }
      }
    } else if (field.type === "radio") {
      values[field.name] ??= "";
      if (field.checked) {
        values[field.name] = field.value;
      }
    } else if (field.type === "select-multiple") {
      values[field.name] = [...field.selectedOptions].map((option) => option.value);
    } else {
      values[field.name] = field.value;
    }
  }
  return values;
}

export function fill(form, values, except = new Set()) {
  for (const field of form.elements) {
    if (!isSaved(field) || !(field.name in values) || except.has(field.name)) {
      continue;
    }
    const wanted = [values[field.name]].flat();
    if (isBox(field)) {
      field.checked = wanted.includes(field.value);
    } else if (field.type === "select-multiple") {
      for (const option of field.options) {
        option.selected = wanted.includes(option.value);
      }
    } else {
      field.value = wanted[0] ?? "";
    }
    field.dispatchEvent(new Event("change", { bubbles: true }));
  }
}

// --- sending ------------------------------------------------------------------------------------------------------

// Answers { outcome: "saved" | "signed-out" | "refused" | "conflict" | "failed", shown, revision }.
async function send(address, values, token, revision, options = {}) {
  let response;
  try {
    response = await fetch(address, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRFToken": token },
      body: JSON.stringify(revision === undefined ? { values } : { values, revision }),
      redirect: "manual",
      ...options,
    });
  } catch {
    return { outcome: "failed" };
  }
  if (response.ok) {
    const { shown, revision: next } = await response.json();
    return { outcome: "saved", shown, revision: next };
  }
  if (response.type === "opaqueredirect" || response.status === 403) {
    return { outcome: "signed-out" };
  }
  if (response.status === 409 && revision !== undefined) {
    return { outcome: "conflict" };
  }
  return { outcome: response.status >= 500 ? "failed" : "refused" };
}

class Autosave {
  constructor(form) {
    this.form = form;
    this.address = form.dataset.autosave;
    this.line = form.querySelector("[data-autosave-status]");
    this.saved = JSON.stringify(valuesOf(form));
    this.timer = 0;
    this.sending = null;
    this.passed = false;

    const early = new Set(touched(form).map((field) => field.name));
    if (early.size) {
      this.saved = "";
      this.later(WAIT_MS);
    }
    const left = kept(this.address);
    if (left) {
      fill(form, left.values, early);
      if (this.dirty) {
        this.say("保存できていなかった入力を戻しました。");
        this.later(0);
      } else {
        forget(this.address); // the last request of the page before arrived after all
      }
    }
    form.addEventListener("input", () => this.later(WAIT_MS));
    form.addEventListener("change", () => this.later(WAIT_MS));
    form.addEventListener("submit", (event) => this.onSubmit(event));
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "hidden") {
        this.leave();
      }
    });
    window.addEventListener("online", () => this.later(0));
  }

  get token() {
    return this.form.querySelector("[name=csrfmiddlewaretoken]")?.value ?? "";
  }

  // Which revision of the server's this page goes on from; undefined where revisions aren't counted.
  get revision() {
    const field = this.form.querySelector("[data-autosave-revision]");
    return field ? Number(field.value) : undefined;
  }

  get dirty() {
    return JSON.stringify(valuesOf(this.form)) !== this.saved;
  }

  later(wait) {
    clearTimeout(this.timer);
    if (!this.passed) {
      this.timer = setTimeout(() => this.save(), wait);
    }
  }

  // One request at a time; what was typed meanwhile goes with the next.
  async save() {
    clearTimeout(this.timer);
    if (this.sending) {
      return this.sending.then(() => (this.dirty ? this.save() : { outcome: "saved" }));
    }
    if (!this.dirty) {
      return { outcome: "saved" };
    }
    const values = valuesOf(this.form);
    this.sending = send(this.address, values, this.token, this.revision).then((answer) => {
      this.sending = null;
      this.took(answer, values);
      return answer;
    });
    return this.sending;
  }

  took(answer, values) {
    if (answer.outcome === "saved") {
      this.saved = JSON.stringify(values);
      if (answer.revision !== undefined && this.revision !== undefined) {
        this.form.querySelector("[data-autosave-revision]").value = answer.revision;
      }
      forget(this.address);
      this.say(`保存しました ${answer.shown}`);
      return;
    }
    if (answer.outcome === "conflict") {
      this.say("別の画面で入力が進んでいます。この画面の内容は、まだ保存していません。", "warning", "保存されている内容を読み込む", () => forget(this.address));
      return;
    }
    if (answer.outcome === "refused") {
      this.say("入力途中の内容を保存できませんでした。送信はできます。", "warning");
      return;
    }
    const here = keep(this.address, values);
    const where = here ? "入力した内容は、このブラウザーに残っています。" : "この画面を閉じないでください。";
    if (answer.outcome === "signed-out") {
      this.say(`ログインが切れました。${where}`, "warning", "ログインして続ける");
    } else {
      this.say(`保存できませんでした。${where}通信できるときに保存します。`, "warning");
      this.later(RETRY_MS);
    }
  }

  // The page is put away: what isn't saved goes with the last request, and stays in the tab until it is known to be.
  leave() {
    if (this.passed || !this.dirty) {
      return;
    }
    const values = valuesOf(this.form);
    // what is kept because nobody was signed in stays marked so
    keep(this.address, values, kept(this.address)?.leaving ?? true);
    send(this.address, values, this.token, this.revision, { keepalive: true }).then((answer) => this.took(answer, values));
  }

  // A form is sent only while the session stands: nothing typed is handed to a sign-in page.
  onSubmit(event) {
    if (this.passed) {
      return;
    }
    if (event.submitter?.hasAttribute("data-autosave-discard")) {
      this.passed = true;
      clearTimeout(this.timer);
      forget(this.address);
      return;
    }
    event.preventDefault();
    event.stopPropagation();
    if (this.submitting) {
      return;
    }
    this.submitting = true;
    const { submitter } = event;
    const patience = new Promise((resolve) => {
      setTimeout(() => resolve({ outcome: "late" }), SUBMIT_WAIT_MS);
    });
    this.saved = ""; // asked in any case
    Promise.race([this.save(), patience]).then((answer) => {
      this.submitting = false;
      if (answer.outcome === "signed-out" || answer.outcome === "failed") {
        this.line?.scrollIntoView({ block: "center" });
        return;
      }
      this.passed = true;
      clearTimeout(this.timer);
      this.form.requestSubmit(submitter ?? undefined);
    });
  }

  say(words, tone = "", link = "", before = null) {
    if (!this.line) {
      return;
    }
    this.line.dataset.tone = tone;
    this.line.textContent = words;
    if (link) {
      const anchor = document.createElement("a");
      anchor.href = location.pathname + location.search;
      anchor.textContent = link;
      if (before) {
        anchor.addEventListener("click", () => {
          this.passed = true; // what stands here is given up on purpose
          before();
        });
      }
      this.line.append(" ", anchor);
    }
  }
}

function start(root) {
  for (const form of root.querySelectorAll("form[data-autosave]")) {
    form.autosave ??= new Autosave(form);
  }
}

// What the tab still keeps for forms of other pages goes to the server now; whoever was signed out is shown the way back.
async function recoverOthers() {
  const box = document.querySelector("[data-autosave-kept]");
  const here = new Set([...document.querySelectorAll("form[data-autosave]")].map((form) => form.dataset.autosave));
  const token = JSON.parse(document.body.getAttribute("hx-headers") ?? "{}")["X-CSRFToken"] ?? "";
  const start = `${PREFIX}${person}:`;
  for (const key of Object.keys(sessionStorage).filter((each) => each.startsWith(start))) {
    const address = key.slice(start.length);
    const left = kept(address);
    if (here.has(address) || !left) {
      continue;
    }
    const { outcome } = await send(address, left.values, token);
    if (outcome === "saved") {
      forget(address);
    }
    if (box && !(outcome === "saved" && left.leaving)) {
      box.querySelector("a").href = left.page;
      box.hidden = false;
    }
  }
}

if (person) {
  forgetOthers();
  start(document);
  recoverOthers();
  document.addEventListener("htmx:load", (event) => start(event.target.parentElement ?? document));
  // Coming back with the browser's back button finds the form at work again.
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) {
      for (const form of document.querySelectorAll("form[data-autosave]")) {
        form.autosave.passed = false;
      }
    }
  });
}
