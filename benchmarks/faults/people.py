"""People at phones and browsers: real requests over TLS, repeated until they are answered for, as the phone does."""

import contextlib
import http.client
import io
import itertools
import json
import random
import re
import socket
import ssl
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlencode

from .instance import HOST

_TIMEOUT = 20
# Between two tries of the same thing.
_AGAIN_SECONDS = 0.4
_HEADING = re.compile(r"<h1[^>]*>(.*?)</h1>", re.S)
_TAGS = re.compile(r"<[^>]+>")
# A page or sentence is clear when it says what is wrong and what to do; it never shows the inside.
_WHAT = (
    "利用できません",
    "接続できない",
    "空きがない",
    "空きがありません",
    "受け付けられませんでした",
    "書き込めません",
)
_NEXT = ("もう一度",)
_INSIDE = ("Traceback", "psycopg", "OperationalError", "dispatch_app", "Exception", "django")


class NoAnswer(Exception):
    """The connection broke or nobody listens."""


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: http.client.HTTPMessage
    text: str

    @property
    def heading(self) -> str:
        """The page's h1, or the beginning of a plain text."""
        found = _HEADING.search(self.text)
        words = _TAGS.sub("", found[1]) if found else self.text
        if words.startswith("{"):
            with contextlib.suppress(ValueError):
                words = json.loads(words).get("detail", words)
        return " ".join(words.split())[:40]

    @property
    def clear(self) -> bool:
        """Whether a person knows what is wrong and what to do."""
        says = any(word in self.text for word in _WHAT) and any(word in self.text for word in _NEXT)
        return says and not any(word in self.text for word in _INSIDE)


class Browser:
    """One person's connection through the proxy, from an address of its own: limits count by address."""

    _numbers = itertools.count(10)

    def __init__(self, port: int, *, cookies: dict[str, str] | None = None, token: str = "") -> None:
        number = next(self._numbers)
        self._from = f"127.0.{1 + number // 200}.{1 + number % 200}"
        self._port, self._token = port, token
        self.cookies = dict(cookies or {})
        if self.cookies:
            self.cookies["csrftoken"] = "f" * 32
        self._connection: http.client.HTTPConnection | None = None
        self._tls = ssl.create_default_context()
        self._tls.check_hostname, self._tls.verify_mode = False, ssl.CERT_NONE

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        """One request. Raises NoAnswer."""
        given = {
            "Host": HOST,
            "Origin": f"https://{HOST}",
            **{n.replace("_", "-"): v for n, v in headers.items()},
        }
        if self._token:
            given["Authorization"] = f"Bearer {self._token}"
        if self.cookies:
            given["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
            given["X-CSRFToken"] = self.cookies["csrftoken"]
        fresh = self._connection is None
        try:
            return self._once(method, path, body, given)
        except (OSError, http.client.HTTPException) as broken:
            self.close()
            if not fresh and method == "GET":  # the proxy closed an idle connection
                with contextlib.suppress(OSError, http.client.HTTPException):
                    return self._once(method, path, body, given)
            raise NoAnswer(type(broken).__name__) from broken

    def _once(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Answer:
        # http.client would connect anew by itself, without TLS
        if self._connection is None or self._connection.sock is None:
            raw = socket.create_connection(("127.0.0.1", self._port), _TIMEOUT, (self._from, 0))
            self._connection = http.client.HTTPConnection("127.0.0.1", self._port)
            self._connection.sock = self._tls.wrap_socket(raw, server_hostname=HOST)
        self._connection.request(method, path, body=body, headers=headers)
        answer = self._connection.getresponse()
        return Answer(answer.status, answer.headers, answer.read().decode("utf-8", "replace"))

    def post_form(self, path: str, fields: dict[str, str], **headers: str) -> Answer:
        """A form as a browser sends it."""
        return self.ask(
            "POST",
            path,
            urlencode(fields).encode(),
            Content_Type="application/x-www-form-urlencoded",
            **headers,
        )

    def close(self) -> None:
        """Ends the connection; the next request makes another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


@dataclass
class Seen:
    """What people were told and what was acknowledged to them; all threads write here."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    # id → the moment it was acknowledged
    events: dict[str, float] = field(default_factory=dict)
    files: dict[str, float] = field(default_factory=dict)
    questions: dict[str, float] = field(default_factory=dict)
    # (moment, status or 0, heading, clear) of every answer that wasn't as usual
    trouble: list[tuple[float, int, str, bool]] = field(default_factory=list)
    pages: list[float] = field(default_factory=list)
    # acknowledged otherwise than asked for
    wrong: list[str] = field(default_factory=list)

    def kept(self, kind: str, name: str) -> None:
        """One of events, files, questions was acknowledged just now."""
        with self.lock:
            getattr(self, kind)[name] = time.monotonic()

    def met(self, answer: Answer | None) -> None:
        """Somebody met an answer that wasn't the wanted one; None: there was none at all."""
        with self.lock:
            if answer is None:
                self.trouble.append((time.monotonic(), 0, "（応答なし）", True))
            else:
                self.trouble.append((time.monotonic(), answer.status, answer.heading, answer.clear))

    def headings(self, since: float) -> Counter[tuple[int, str, bool]]:
        """What was met since a moment, counted."""
        with self.lock:
            return Counter(
                (status, heading, clear) for moment, status, heading, clear in self.trouble if moment >= since
            )

    def last(self, kind: str) -> float:
        """The moment of the latest one."""
        with self.lock:
            values = getattr(self, kind)
            return max(values.values() if isinstance(values, dict) else values, default=0.0)


@dataclass
class Crowd:
    """The threads, until `stop`."""

    seen: Seen
    stopping: threading.Event = field(default_factory=threading.Event)
    threads: list[threading.Thread] = field(default_factory=list)

    def start(self, work: object, *arguments: object) -> None:
        """One more person."""
        thread = threading.Thread(target=work, args=(self, *arguments), daemon=True)  # type: ignore[arg-type]
        thread.start()
        self.threads.append(thread)

    def stop(self) -> None:
        """Everybody finishes what they are about and goes."""
        self.stopping.set()
        for thread in self.threads:
            thread.join(60)

    def rest(self, seconds: float) -> bool:
        """Waits; False when it is time to go."""
        return not self.stopping.wait(seconds)


def phone(crowd: Crowd, browser: Browser, numbers: Iterator[str], chance: random.Random) -> None:
    """Checks in to one dispatch after the other; sends each event again until it is acknowledged."""
    for number in numbers:
        event_id = str(uuid.UUID(int=chance.getrandbits(128), version=4))
        event = {
            "event_id": event_id, "dispatch": number, "kind": "開始", "device_time": "2026-12-01T10:00:07+09:00",
            "latitude": 35.6812, "longitude": 139.7671, "accuracy": 12.5, "fix_age": 2, "permission": "granted",
        }  # fmt: skip
        body = json.dumps([event], ensure_ascii=False).encode()
        while True:
            try:
                answer = browser.ask("POST", "/api/v1/check-events/", body, Content_Type="application/json")
            except NoAnswer:
                crowd.seen.met(None)
            else:
                if answer.status == 200:
                    status = json.loads(answer.text)[0]["status"]
                    if status in ("created", "duplicate"):
                        crowd.seen.kept("events", event_id)
                    else:
                        crowd.seen.wrong.append(f"チェックインが {status}")
                    break
                crowd.seen.met(answer)
            if not crowd.rest(_AGAIN_SECONDS):
                return
        if not crowd.rest(0.12):
            return


def _picture(chance: random.Random) -> bytes:
    from PIL import Image

    out = io.BytesIO()
    Image.frombytes("RGB", (64, 48), chance.randbytes(64 * 48 * 3)).resize((640, 480)).save(out, "JPEG")
    return out.getvalue()


def uploader(crowd: Crowd, browser: Browser, numbers: Iterator[str], chance: random.Random) -> None:
    """Sends receipts, a new photograph each, with a key that makes a repetition harmless (static/js/receipts.js)."""
    for number in numbers:
        key, content = str(uuid.UUID(int=chance.getrandbits(128), version=4)), _picture(chance)
        parts = {"key": key, "purpose": "領収書", "line_number": "", "reason": ""}
        body = b"".join(
            f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
            for name, value in parts.items()
        )
        body += b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n'
        body += b"Content-Type: image/jpeg\r\n\r\n" + content + b"\r\n--x--\r\n"
        headers = {"Content_Type": "multipart/form-data; boundary=x", "X_Requested_With": "fetch"}
        while True:
            try:
                answer = browser.ask("POST", f"/receipts/add/{number}/", body, **headers)
            except NoAnswer:
                crowd.seen.met(None)
            else:
                if answer.status == 200:
                    crowd.seen.kept("files", key)
                    break
                if answer.status < 500:
                    crowd.seen.wrong.append(f"領収書に {answer.status} {answer.heading}")
                    break
                crowd.seen.met(answer)
            if not crowd.rest(_AGAIN_SECONDS):
                return
        if not crowd.rest(1.0):
            return


def asker(crowd: Crowd, browser: Browser, numbers: Iterator[str], chance: random.Random) -> None:
    """The office asks the expert of one dispatch after the other; each question sends one mail."""
    for number in numbers:
        question = f"照会 {number} {chance.getrandbits(40):010x}"
        fields = {"asked_of": "expert", "comment": question, "key": question, "stay": "1"}
        while True:
            try:
                answer = browser.post_form(f"/office/dispatches/{number}/acts/ask/", fields)
            except NoAnswer:
                crowd.seen.met(None)
            else:
                if answer.status == 302 and "/sign-in" not in answer.headers.get("Location", ""):
                    crowd.seen.kept("questions", question)
                    break
                if answer.status < 500:
                    crowd.seen.wrong.append(f"照会に {answer.status} {answer.heading}")
                    break
                crowd.seen.met(answer)
            if not crowd.rest(_AGAIN_SECONDS):
                return
        if not crowd.rest(0.4):
            return


def watcher(crowd: Crowd, browser: Browser, path: str) -> None:
    """Looks at a page again and again, and remembers what it met."""
    while crowd.rest(0.3):
        try:
            answer = browser.ask("GET", path)
        except NoAnswer:
            crowd.seen.met(None)
            continue
        if answer.status == 200:
            with crowd.seen.lock:
                crowd.seen.pages.append(time.monotonic())
        else:
            crowd.seen.met(answer)
