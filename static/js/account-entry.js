// The account fields while they are typed (templates/components/account_entry.html): banks and branches are offered by name
// or code, and what the payment file would refuse is said beside its field before the form is sent.
//
//   <div data-account-entry="/address/"> … inputs yucho, yucho_kigo, yucho_bango, bank_code, branch_code, account_type,
//   account_number, account_holder_kana … </div> inside a form with a CSRF token.
//
// The address takes POST with the fields of that name (portal_expert/account_answers.py says what it answers). Without this
// file the fields take codes and names all the same, and the server judges them when the form is sent.

const SEEK_MS = 250;
const JUDGE_MS = 500;
const LOST = "いま確かめられません。入力と送信はこのままできます。";

const isComposing = (event) => event.isComposing || event.keyCode === 229;

function make(tag, attributes = {}, words = "") {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    element.setAttribute(name, value);
  }
  element.textContent = words;
  return element;
}

// --- a field with offers (ARIA combobox with a list) ----------------------------------------------------------------

class Offers {
  constructor(entry, input, kind, title) {
    this.entry = entry;
    this.input = input;
    this.kind = kind;
    this.timer = 0;
    this.active = -1;
    this.options = [];
    this.list = make("ul", { id: `${input.id}_offers`, role: "listbox", "aria-label": `${title}の候補`, class: "offers" });
    this.list.hidden = true;
    // the list hangs below its field whatever stands around it
    const place = make("div", { class: "offers-place" });
    input.before(place);
    place.append(input, this.list);
    for (const [name, value] of Object.entries({
      role: "combobox",
      autocomplete: "off",
      "aria-autocomplete": "list",
      "aria-expanded": "false",
      "aria-controls": this.list.id,
    })) {
      input.setAttribute(name, value);
    }
    input.addEventListener("input", (event) => {
      if (!event.isComposing) {
        this.later();
      }
    });
    input.addEventListener("compositionend", () => this.later());
    input.addEventListener("keydown", (event) => this.onKey(event));
    input.addEventListener("blur", () => this.close());
    // a press on an offer must not take the focus from the field first
    this.list.addEventListener("mousedown", (event) => event.preventDefault());
    this.list.addEventListener("click", (event) => {
      const option = event.target.closest("[role=option]");
      if (option) {
        this.choose(Number(option.dataset.index));
      }
    });
  }

  later() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.seek(), SEEK_MS);
  }

  async seek() {
    clearTimeout(this.timer);
    const typed = this.input.value;
    if (!typed.trim()) {
      this.close();
      return;
    }
    const answer = await this.entry.ask({ seek: this.kind });
    // meanwhile something else was typed, or the field was left
    if (!answer || typed !== this.input.value || document.activeElement !== this.input) {
      return;
    }
    this.show(answer);
  }

  show({ options, message }) {
    this.options = options;
    this.active = -1;
    this.list.replaceChildren(
      ...options.map((each, index) => {
        const id = `${this.list.id}_${index}`;
        const row = make("li", { id, role: "option", "aria-selected": "false", "data-index": index, class: "offers__one" });
        row.append(make("span", { class: "offers__code" }, each.code), make("span", {}, each.name), " ");
        row.append(make("span", { class: "offers__kana" }, each.kana));
        return row;
      }),
    );
    const open = options.length > 0;
    this.list.hidden = !open;
    this.input.setAttribute("aria-expanded", String(open));
    this.input.removeAttribute("aria-activedescendant");
    this.entry.say(open ? `${options.length}件の候補があります。上下の矢印キーで選べます。` : message);
    this.entry.note(open ? "" : message);
  }

  close() {
    clearTimeout(this.timer);
    this.list.hidden = true;
    this.active = -1;
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
  }

  get isOpen() {
    return !this.list.hidden;
  }

  move(by) {
    const count = this.options.length;
    this.active = this.active < 0 ? (by > 0 ? 0 : count - 1) : (this.active + by + count) % count;
    for (const [index, row] of [...this.list.children].entries()) {
      row.setAttribute("aria-selected", String(index === this.active));
    }
    const row = this.list.children[this.active];
    this.input.setAttribute("aria-activedescendant", row.id);
    row.scrollIntoView({ block: "nearest" });
  }

  onKey(event) {
    if (isComposing(event)) {
      return;
    }
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (this.isOpen) {
        this.move(event.key === "ArrowDown" ? 1 : -1);
      } else {
        this.seek();
      }
    } else if (event.key === "Escape" && this.isOpen) {
      event.preventDefault();
      this.close();
    } else if (event.key === "Enter" && this.isOpen) {
      // with the list open Enter is the list's, never the form's
      event.preventDefault();
      if (this.active >= 0) {
        this.choose(this.active);
      } else {
        this.close();
      }
    }
  }

  choose(index) {
    const { text } = this.options[index];
    const other = this.input.value !== text;
    this.input.value = text;
    this.close();
    this.entry.chosen(this.input, other && this.kind === "bank");
    this.entry.say(`${text}を選びました。`);
  }
}

// --- the fields together --------------------------------------------------------------------------------------------

const NAMES = [
  "yucho",
  "yucho_kigo",
  "yucho_bango",
  "bank_code",
  "branch_code",
  "account_type",
  "account_number",
  "account_holder_kana",
];

class AccountEntry {
  constructor(root) {
    this.root = root;
    this.address = root.dataset.accountEntry;
    this.form = root.closest("form");
    this.shown = root.querySelector("[data-account-shown]");
    this.status = root.querySelector("[data-account-status]");
    this.notice = root.querySelector("[data-account-note]");
    this.inputs = new Map();
    for (const name of NAMES) {
      const input = root.querySelector(`[name="${name}"]`);
      if (input) {
        this.inputs.set(name, input);
      }
    }
    this.bank = new Offers(this, this.inputs.get("bank_code"), "bank", "銀行");
    this.branch = new Offers(this, this.inputs.get("branch_code"), "branch", "支店");
    this.timer = 0;
    this.asked = 0;
    // fields that were left: only there a problem is said, nobody is told off for a number half typed
    this.left = new Set();
    for (const [name, input] of this.inputs) {
      input.addEventListener("input", (event) => {
        if (!event.isComposing) {
          this.later();
        }
      });
      input.addEventListener("compositionend", () => this.later());
      input.addEventListener("change", () => {
        this.left.add(name);
        this.judge();
      });
    }
    if (this.value("bank_code") || this.value("yucho_kigo") || this.value("account_holder_kana")) {
      this.judge();
    }
  }

  value(name) {
    const input = this.inputs.get(name);
    return input?.type === "checkbox" ? (input.checked ? "on" : "") : (input?.value ?? "");
  }

  // What the address answers; nothing (and a note) when it can't.
  async ask(more) {
    const sent = new URLSearchParams(more);
    for (const name of this.inputs.keys()) {
      sent.set(name, this.value(name));
    }
    let response;
    try {
      response = await fetch(this.address, {
        method: "POST",
        headers: { "X-CSRFToken": this.form.querySelector("[name=csrfmiddlewaretoken]")?.value ?? "" },
        body: sent,
        redirect: "manual",
      });
      if (response.ok) {
        this.note("");
        return await response.json();
      }
      this.note(response.status === 429 ? ((await response.json()).message ?? LOST) : LOST);
    } catch {
      this.note(LOST);
    }
    return null;
  }

  later() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.judge(), JUDGE_MS);
  }

  async judge() {
    clearTimeout(this.timer);
    this.asked += 1;
    const mine = this.asked;
    const answer = await this.ask({});
    if (answer && mine === this.asked) {
      this.write("bank_code", answer.bank);
      this.write("branch_code", answer.branch);
      this.tell(answer);
    }
  }

  // A name that means one bank is written out with its code, once the field was left.
  write(name, text) {
    const input = this.inputs.get(name);
    if (text && !this.value("yucho") && input !== document.activeElement && input.value.trim() && input.value !== text) {
      input.value = text;
      // whoever keeps what is typed shall hear of it; nothing new is to be asked
      this.form.dispatchEvent(new Event("change"));
    }
  }

  chosen(input, otherBank) {
    if (otherBank) {
      this.inputs.get("branch_code").value = "";
      this.left.delete("branch_code");
    }
    this.left.add(input.name);
    this.form.dispatchEvent(new Event("change"));
    this.judge();
  }

  tell({ problems, hints, account, ok }) {
    const news = [];
    for (const [name, input] of this.inputs) {
      const wrong = this.left.has(name) ? (problems[name] ?? []).join(" ") : "";
      const look = wrong ? "" : (hints[name] ?? []).join(" ");
      if (this.mark(name, input, wrong, look) && (wrong || look)) {
        news.push(wrong || look);
      }
    }
    this.shown.hidden = !account.some((row) => row.title !== "預金種目");
    const list = this.shown.querySelector("dl");
    list.replaceChildren(
      ...account.map(({ title, words }) => {
        const row = make("div");
        row.append(make("dt", {}, title), make("dd", {}, words));
        return row;
      }),
    );
    const said = ok
      ? "この口座は、振込に使える形です。通帳と見比べてください。"
      : "まだ入力が足りないか、直すところがあります。";
    const line = this.shown.querySelector("[data-account-said]");
    if (ok && line.textContent !== said) {
      news.push(said);
    }
    line.textContent = said;
    this.shown.dataset.ok = String(ok);
    if (news.length) {
      this.say(news.join(" "));
    }
  }

  // Writes what is wrong (or to be looked at) beside a field; answers whether that is something new.
  mark(name, input, wrong, look) {
    const id = `${input.id}_live`;
    const field = input.closest(".field");
    const before = document.getElementById(id);
    const words = wrong || look;
    if ((before?.textContent.trim() ?? "") === words && !(this.left.has(name) && document.getElementById(`${input.id}_error`))) {
      return false;
    }
    before?.remove();
    if (this.left.has(name)) {
      document.getElementById(`${input.id}_error`)?.remove(); // what the server said of what stood there before
    }
    const error = document.getElementById(`${input.id}_error`);
    field.classList.toggle("field--invalid", Boolean(wrong || error));
    if (wrong) {
      input.setAttribute("aria-invalid", "true");
    } else if (!error) {
      input.removeAttribute("aria-invalid");
    }
    if (words) {
      const line = make("div", { id, class: wrong ? "field__error" : "account-entry__hint" });
      const icon = this.root.querySelector("template").content.firstElementChild;
      line.append(icon.cloneNode(true), make("span", {}, words));
      (input.closest(".offers-place") ?? input.closest("label") ?? input).before(line);
    }
    const described = new Set((input.getAttribute("aria-describedby") ?? "").split(" ").filter((each) => document.getElementById(each)));
    described.delete(id);
    if (words) {
      described.add(id);
    }
    if (described.size) {
      input.setAttribute("aria-describedby", [...described].join(" "));
    } else {
      input.removeAttribute("aria-describedby");
    }
    return true;
  }

  say(words) {
    this.status.textContent = words;
  }

  note(words) {
    this.notice.textContent = words;
    this.notice.hidden = !words;
  }
}

function start(root) {
  for (const each of root.querySelectorAll("[data-account-entry]")) {
    each.accountEntry ??= new AccountEntry(each);
  }
}

start(document);
document.addEventListener("htmx:load", (event) => start(event.target.parentElement ?? document));
