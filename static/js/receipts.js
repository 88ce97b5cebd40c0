// Adds and removes receipts where templates/components/receipts.html stands: one file after the other, each with a
// key of its own, so that one sent again after a broken network is there once. What failed stays, with its reason.

const NETWORK = "送れませんでした。電波の届くところで「もう一度送る」を押してください。";
const AWAY =
  "システムが一時的に利用できません。ファイルはこの画面に残っています。1分ほど待ってから「もう一度送る」を押してください。";
const SIGN_IN =
  "ログインが切れました。別のタブでログインしてから「もう一度送る」を押してください。ファイルはこの画面に残っています。";
const LONGEST_EDGE = 3000;

const tooLarge = (panel) =>
  `ファイルが大きすぎます。${panel.dataset.megabytes}MB までのファイルを選んでください。`;
const panelOf = (element) => element.closest("[data-receipts]");
const field = (panel, name) => panel.querySelector(`[data-receipts-${name}]`);
const pending = new Set();

// What the server says no to; `final`: sending the same file again changes nothing.
class Refusal extends Error {
  constructor(words, final) {
    super(words);
    this.final = final;
  }
}

// The answer's text, or an Error with the sentence for the person.
async function send(panel, address, form) {
  let answer;
  try {
    if (panel.dataset.stale) {
      // after signing in anew the page's key is an old one
      const asked = await fetch(panel.dataset.listing, { headers: { "X-Requested-With": "fetch" } });
      if (asked.ok && !asked.redirected) {
        panel.dataset.csrf = asked.headers.get("X-CSRFToken");
        delete panel.dataset.stale;
      }
    }
    answer = await fetch(address, {
      method: "POST",
      body: form,
      headers: { "X-Requested-With": "fetch", "X-CSRFToken": panel.dataset.csrf },
    });
  } catch {
    throw new Error(NETWORK);
  }
  if (answer.redirected) {
    panel.dataset.stale = "yes";
    throw new Error(SIGN_IN);
  }
  const type = answer.headers.get("Content-Type") ?? "";
  if (answer.ok) {
    return answer.text();
  }
  if (answer.status >= 500) {
    // a part of the server is away: the same file can be sent again, its key makes sure it is there once
    throw new Error(type.startsWith("text/plain") ? await answer.text() : AWAY);
  }
  if (type.startsWith("text/plain")) {
    throw new Refusal(await answer.text(), answer.status !== 409);
  }
  if (answer.status === 413) {
    throw new Refusal(tooLarge(panel), true);
  }
  if (answer.status === 403) {
    panel.dataset.stale = "yes";
    throw new Error(SIGN_IN);
  }
  throw new Error(NETWORK);
}

// what the list was last filled with: what stays the same keeps the focus
const shown = new WeakMap();

function show(panel, html) {
  if (shown.get(panel) === html) {
    watch(panel);
    return;
  }
  shown.set(panel, html);
  field(panel, "list").innerHTML = html;
  panel.dispatchEvent(new CustomEvent("receipts:changed", { bubbles: true }));
  watch(panel);
}

// A photograph larger than the office takes is made smaller here; everything else goes as it is.
async function small(panel, file) {
  if (file.size <= Number(panel.dataset.mostBytes) || !/^image\/(jpeg|png)$/.test(file.type)) {
    return file;
  }
  try {
    const picture = await createImageBitmap(file);
    const scale = Math.min(1, LONGEST_EDGE / Math.max(picture.width, picture.height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.round(picture.width * scale);
    canvas.height = Math.round(picture.height * scale);
    canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
    const blob = await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.9));
    return blob ? new File([blob], file.name, { type: "image/jpeg" }) : file;
  } catch {
    return file; // the server says what is wrong with it
  }
}

function button(words, name, pressed) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "button button--secondary button--small";
  made.textContent = words;
  made.setAttribute("aria-label", `${name}を${words}`);
  made.addEventListener("click", pressed);
  return made;
}

class Sending {
  constructor(panel, file, purpose, line) {
    Object.assign(this, { panel, file, purpose, line, key: crypto.randomUUID() });
    this.row = document.createElement("li");
    this.row.className = "receipts__sending";
    field(panel, "queue").append(this.row);
    pending.add(this);
    this.say("送信待ち");
  }

  say(words, failed = false, final = false) {
    const text = document.createElement("p");
    text.textContent = `${this.file.name}：${words}`;
    this.row.classList.toggle("receipts__sending--failed", failed);
    this.row.replaceChildren(text);
    if (final) {
      pending.delete(this);
      this.row.append(button("閉じる", this.file.name, () => this.end()));
    } else if (failed) {
      const again = button("もう一度送る", this.file.name, () => queue(this));
      this.row.append(again, button("やめる", this.file.name, () => this.end()));
    }
  }

  end() {
    pending.delete(this);
    this.row.remove();
  }

  async go() {
    this.say("送っています…");
    const file = await small(this.panel, this.file);
    if (file.size > Number(this.panel.dataset.mostBytes)) {
      this.say(tooLarge(this.panel), true, true);
      return;
    }
    const form = new FormData();
    form.append("key", this.key);
    form.append("purpose", this.purpose);
    form.append("line_number", this.line);
    form.append("reason", field(this.panel, "reason-field")?.value ?? "");
    form.append("file", file, this.file.name);
    try {
      show(this.panel, await send(this.panel, this.panel.dataset.add, form));
      this.end();
    } catch (problem) {
      this.say(problem.message, true, problem instanceof Refusal && problem.final);
    }
  }
}

// One after the other: a phone's network carries one photograph at a time better than five.
let last = Promise.resolve();
function queue(sending) {
  last = last.then(() => (pending.has(sending) ? sending.go() : undefined));
}

function take(input) {
  const panel = panelOf(input);
  const purpose = input.dataset.purpose || field(panel, "purpose-field").value;
  const line = input.dataset.line ?? field(panel, "line-field")?.value ?? "";
  for (const file of input.files) {
    queue(new Sending(panel, file, purpose, line));
  }
  input.value = "";
  delete input.dataset.purpose;
  delete input.dataset.line;
}

document.addEventListener("change", (event) => {
  if (event.target.matches?.("[data-receipts-file]")) {
    take(event.target);
  }
});

document.addEventListener("cancel", (event) => {
  if (event.target.matches?.("[data-receipts-file]")) {
    delete event.target.dataset.purpose;
    delete event.target.dataset.line;
  }
});

document.addEventListener("click", async (event) => {
  const pick = event.target.closest("[data-receipts-pick]");
  if (pick) {
    const input = document.querySelector("[data-receipts-file]");
    input.dataset.line = pick.dataset.receiptsPick;
    input.dataset.purpose = pick.dataset.receiptsPurpose ?? "";
    input.click();
    return;
  }
  const remove = event.target.closest("[data-receipt-remove]");
  if (!remove || remove.getAttribute("aria-disabled")) {
    return;
  }
  const panel = panelOf(remove);
  // a second press asks nothing more: the first one says what will happen
  if (!remove.dataset.sure) {
    remove.dataset.sure = "yes";
    remove.textContent = "もう一度押すと取り除きます";
    return;
  }
  remove.setAttribute("aria-disabled", "true");
  const form = new FormData();
  form.append("reason", field(panel, "reason-field")?.value ?? "");
  const item = remove.closest("[data-receipt]");
  try {
    show(panel, await send(panel, remove.dataset.receiptRemove, form));
    field(panel, "file")?.focus();
  } catch (problem) {
    remove.removeAttribute("aria-disabled");
    delete remove.dataset.sure;
    remove.textContent = "取り除く";
    item.querySelector(".receipt__problem")?.remove();
    const text = document.createElement("p");
    text.className = "receipt__problem";
    text.setAttribute("role", "alert");
    text.textContent = problem.message;
    remove.before(text);
  }
});

// While a file waits for the virus scanner, the list is asked for again.
const waits = new WeakMap();
function watch(panel) {
  clearTimeout(waits.get(panel));
  if (!panel.querySelector('[data-state="waiting"]')) {
    return;
  }
  waits.set(
    panel,
    setTimeout(async () => {
      try {
        const answer = await fetch(panel.dataset.listing, { headers: { "X-Requested-With": "fetch" } });
        if (answer.ok && !answer.redirected) {
          show(panel, await answer.text());
          return;
        }
      } catch {
        // no network: the next time
      }
      watch(panel);
    }, 30_000),
  );
}

addEventListener("beforeunload", (event) => {
  if (pending.size) {
    event.preventDefault();
  }
});

for (const panel of document.querySelectorAll("[data-receipts]")) {
  watch(panel);
  // chosen before this script had arrived
  if (field(panel, "file")?.files.length) {
    take(field(panel, "file"));
  }
}
