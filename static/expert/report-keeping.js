// Keeps a form: each change at once in this browser, soon after on the server; what the server has goes from here.

const PAUSE_MS = 1500;
const KEPT_MS = 30 * 24 * 60 * 60 * 1000;
const AGAIN_MS = [3000, 8000, 20000, 60000];
const bar = document.getElementById("unsent");
const NOT_TYPED = new Set(["csrfmiddlewaretoken", "seen", "page", "standing", "action"]);

function storage() {
  try {
    return window.localStorage;
  } catch {
    return null;
  }
}

export function keeper(form) {
  const place = `typed:${bar.dataset.person}:${form.dataset.keep}`;
  const status = document.getElementById("saved");
  const conflict = document.getElementById("conflict");
  const store = storage();
  let edits = 0;
  let kept = 0;
  let pause = 0;
  let failures = 0;
  let running = null;
  let stopped = form.hasAttribute("data-conflict");

  const body = (more = {}) => {
    const pairs = [...new FormData(form)].filter(([, value]) => typeof value === "string");
    return new URLSearchParams([...pairs, ...Object.entries(more)]);
  };

  // only what a person types, so that two versions can be compared
  const typed = (params) =>
    new URLSearchParams(
      [...params].filter(([name]) => !NOT_TYPED.has(name)).map(([name, value]) => [name, value.replace(/\r\n?/g, "\n")]),
    ).toString();

  const say = (words, trouble = false) => {
    status.toggleAttribute("data-trouble", trouble);
    if (status.textContent !== words) {
      status.textContent = words;
    }
  };

  const remember = (tried = false) => {
    const params = body();
    params.delete("csrfmiddlewaretoken");
    try {
      store?.setItem(place, JSON.stringify({ at: Date.now(), tried, body: params.toString() }));
    } catch {
      say("この端末に控えを残せません。こまめに保存してください。", true);
    }
  };
  const forget = () => store?.removeItem(place);

  const ended = () => {
    say("ログインが切れました。入力した内容はこの端末に残しています。", true);
    if (!status.querySelector("a")) {
      const link = document.createElement("a");
      link.href = `${bar.dataset.signIn}?next=${encodeURIComponent(location.pathname)}`;
      link.textContent = "ログインして続ける";
      status.append(" ", link);
    }
  };

  // A new sign-in in another window changes the key with which this page may send.
  async function renewed() {
    try {
      const response = await fetch(bar.dataset.session, { credentials: "same-origin", redirect: "manual", cache: "no-store" });
      if (!response.ok) {
        ended();
        return false;
      }
      const { person, csrf } = await response.json();
      if (person !== bar.dataset.person) {
        say("別の利用者がログインしています。ログインし直すと、入力した内容を戻せます。", true);
        return false;
      }
      form.elements.csrfmiddlewaretoken.value = csrf;
      for (const panel of form.querySelectorAll("[data-csrf]")) {
        panel.dataset.csrf = csrf;
      }
      return true;
    } catch {
      return false;
    }
  }

  function clash(html) {
    stopped = true;
    conflict.innerHTML = html; // made by our own template, which escapes what people typed
    conflict.firstElementChild?.focus();
    say("別の画面の内容と食い違っているため、保存を止めています。", true);
  }

  async function post(address, more, again = true) {
    let response;
    try {
      response = await fetch(address, {
        method: "POST",
        body: body(more),
        credentials: "same-origin",
        redirect: "manual",
        headers: { "X-Requested-With": "fetch" },
      });
    } catch {
      say("通信できないため、まだ保存できていません。この端末に控えがあります。つながったら保存します。", true);
      return null;
    }
    if (response.type === "opaqueredirect" || response.status === 401 || response.status === 403) {
      return again && (await renewed()) ? post(address, more, false) : null;
    }
    if (response.status === 409) {
      clash((await response.json()).conflict);
      return null;
    }
    if (response.status === 410 || response.status === 422) {
      stopped = response.status === 410;
      say((await response.json()).refused, true);
      return null;
    }
    if (!response.ok) {
      say("保存できませんでした。この端末に控えがあります。しばらくして、もう一度保存します。", true);
      return null;
    }
    return response;
  }

  async function attempt() {
    const mark = edits;
    const response = await post(form.dataset.keep, {});
    if (!response) {
      failures += 1;
      if (!stopped) {
        schedule(AGAIN_MS[Math.min(failures, AGAIN_MS.length) - 1]);
      }
      return false;
    }
    const answer = await response.json();
    form.elements.seen.value = answer.seen;
    failures = 0;
    kept = mark;
    if (edits === mark) {
      forget();
    }
    say(`保存しました ${answer.saved}`);
    return true;
  }

  // One save at a time; true when everything typed is on the server.
  async function save(anyway = false) {
    while (running) {
      await running;
    }
    if (stopped) {
      conflict.firstElementChild?.focus();
      return false;
    }
    window.clearTimeout(pause);
    while (kept !== edits || anyway) {
      anyway = false;
      running = attempt();
      const done = await running;
      running = null;
      if (!done) {
        return false;
      }
    }
    return true;
  }

  function schedule(after) {
    window.clearTimeout(pause);
    pause = window.setTimeout(() => save(), after);
  }

  function changed() {
    edits += 1;
    remember();
    if (!stopped) {
      schedule(PAUSE_MS);
    }
  }

  async function send(address, more) {
    const response = await post(address, more);
    if (!response) {
      return "";
    }
    form.elements.seen.value = response.headers.get("X-Seen") ?? form.elements.seen.value;
    const saved = response.headers.get("X-Saved");
    if (saved) {
      say(`保存しました ${saved}`);
    }
    return response.text();
  }

  // What an earlier page could not hand over any more comes back, once by itself and then on request;
  // true when the page is about to change for it.
  function restore() {
    const record = JSON.parse(store?.getItem(place) ?? "null");
    if (!record || Date.now() - record.at > KEPT_MS) {
      forget();
      return false;
    }
    const there = new URLSearchParams(record.body);
    if (typed(there) === typed(body())) {
      if (!form.hasAttribute("data-conflict")) {
        forget();
      }
      return false;
    }
    if (form.hasAttribute("data-conflict")) {
      return false;
    }
    const back = () => {
      store.setItem(place, JSON.stringify({ ...record, tried: true }));
      const plain = document.createElement("form");
      plain.method = "post";
      plain.action = form.getAttribute("action");
      plain.hidden = true;
      there.delete("action");
      for (const [name, value] of [...there, ["csrfmiddlewaretoken", form.elements.csrfmiddlewaretoken.value], ["action", "restore"]]) {
        const input = document.createElement("input");
        input.type = "hidden";
        input.name = name;
        input.value = value;
        plain.append(input);
      }
      document.body.append(plain);
      plain.submit();
    };
    if (!record.tried) {
      back();
      return true;
    }
    say("この端末に、保存できなかった入力が残っています。", true);
    const button = document.createElement("button");
    button.type = "button";
    button.className = "button button--secondary button--small";
    button.textContent = "残っている入力を戻す";
    button.addEventListener("click", back);
    status.append(" ", button);
    return false;
  }

  document.addEventListener("click", (event) => {
    if (event.target.closest?.("[data-give-up]")) {
      forget();
    }
  });
  window.addEventListener("online", () => kept !== edits && save());
  document.addEventListener("visibilitychange", () => kept !== edits && save());

  return {
    changed,
    save,
    send,
    restore,
    settled() {
      kept = edits;
      forget();
    },
    leaving() {
      window.clearTimeout(pause);
    },
  };
}
