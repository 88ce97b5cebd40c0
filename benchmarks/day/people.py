"""What people do on this day (a locust file): they sign in through the real pages, look, decide, and send.

Run by `benchmarks.day` in the environment that has locust. Every answer but the expected one is an error: what a form
says in red counts like a broken page. Each person comes over TLS through the proxy from an address of their own; those
of the office share one.
"""

import base64
import datetime as dt
import hashlib
import hmac
import itertools
import json
import os
import random
import re
import struct
import time
import uuid
from html.parser import HTMLParser
from typing import Any

import urllib3
from locust import HttpUser, between, events, task
from locust.exception import StopUser
from locust.stats import StatsEntry
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

urllib3.disable_warnings()
with open(os.environ["DAY_PEOPLE"], encoding="utf-8") as file:
    PEOPLE = json.load(file)
HOST = os.environ["DAY_HOST"]
PASSWORD, SECRET = os.environ["DAY_PASSWORD"], os.environ["DAY_TOTP_SECRET"]
OFFICE_ADDRESS = os.environ["DAY_OFFICE_ADDRESS"]
# From how many addresses of mobile networks the phones come: four to an address.
CARRIERS = 125
# For a first try: only so much of each crowd.
PART = float(os.environ.get("DAY_PART", "1"))
# The second half of the day goes on with what the first has made of the data.
LATER_HOURS = 4 if os.environ.get("DAY_SHARE") == "2" else 0
# Over this many seconds everybody arrives.
ARRIVING = float(os.environ.get("DAY_ARRIVING", "90"))
_HEADING = re.compile(r"<h1[^>]*>(.*?)</h1>", re.S)
_WRONG = re.compile(
    r'class="(?:field__error|error-summary[^"]*|message message--(?:error|danger))"[^>]*>(.*?)</', re.S
)
_STEP = 30


class Forms(HTMLParser):
    """The forms of a page: where each goes and what it would send untouched."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self._select = ""
        self._area = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Inputs, chosen options and the beginnings of text areas."""
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.found.append((given.get("action", ""), {}))
        if not self.found:
            return
        values, name = self.found[-1][1], given.get("name", "")
        if tag == "input" and name:
            kind = given.get("type", "text")
            if kind in ("radio", "checkbox"):
                if "checked" in given:
                    values[name] = given.get("value", "on")
            elif kind not in ("submit", "button", "file"):
                values[name] = given.get("value", "")
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select and ("selected" in given or self._select not in values):
            values[self._select] = given.get("value", "")
        elif tag == "textarea" and name:
            self._area, values[name] = name, ""

    def handle_endtag(self, tag: str) -> None:
        """Ends of selects and text areas."""
        if tag == "select":
            self._select = ""
        elif tag == "textarea":
            self._area = ""

    def handle_data(self, data: str) -> None:
        """What stands in a text area."""
        if self._area and self.found:
            self.found[-1][1][self._area] += data


def code_of(moment: float) -> str:
    """The authenticator's six digits."""
    counter = struct.pack(">Q", int(moment) // _STEP)
    digest = hmac.new(base64.b32decode(SECRET), counter, hashlib.sha1).digest()
    place = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[place : place + 4])[0] & 0x7FFFFFFF) % 1_000_000:06}"


class _From(HTTPAdapter):
    """Connections that leave from one address."""

    def __init__(self, address: str, *methods: str) -> None:
        self._address = address
        # an idle connection that the proxy closed: a browser asks again by itself, a phone sends its events again
        again = Retry(total=2, status=0, backoff_factor=0.5, allowed_methods=frozenset(methods))
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=again)

    def init_poolmanager(self, *given: Any, **named: Any) -> None:
        """One connection, kept open as a browser does."""
        super().init_poolmanager(
            *given, **named, source_address=(self._address, 0), server_hostname=HOST, assert_hostname=False
        )


class Person(HttpUser):
    """Somebody with a browser, signed in with password and code."""

    abstract = True
    username = ""

    def begin(self, username: str, address: str) -> None:
        """Comes at some time of the arriving, opens the sign-in page, gives password and code."""
        self.username = username
        self.client.mount("https://", _From(address, "GET"))
        self.client.mount(f"{self.host}/api/", _From(address, "GET", "POST"))
        self.client.verify = False
        self.client.headers.update({"Host": HOST, "Accept-Language": "ja"})
        time.sleep(random.random() * ARRIVING)
        session = PEOPLE["sessions"].get(username)
        if session:
            self.client.cookies.set("sessionid", session, domain=HOST, secure=True)
            self.client.cookies.set("csrftoken", uuid.uuid4().hex, domain=HOST, secure=True)
            return
        page = self.get("/sign-in/", "サインインの画面")
        self.send_form(
            page, "", {"username": username, "password": PASSWORD}, "パスワード", "/sign-in/", "確認コード"
        )
        page = self.get("/sign-in/code/", "確認コードの画面")
        # the next digits when these are about to end
        self.send_form(page, "", {"code": code_of(time.time())}, "確認コード", "/sign-in/code/")
        if not self.client.cookies.get("sessionid"):
            raise StopUser

    def get(self, path: str, name: str) -> str:
        """A page; anything but 200 is an error."""
        with self.client.get(path, name=f"{self.surface} {name}", catch_response=True) as answer:
            if answer.status_code != 200:
                answer.failure(f"{answer.status_code} {_said(answer.text or '')} {answer.error or ''}")
                return ""
            if answer.url.startswith(f"{self.host}/sign-in") and not path.startswith("/sign-in"):
                answer.failure("led to the sign-in page")
            return answer.text

    def send_form(
        self, page: str, action: str, typed: dict[str, str], name: str, path: str, heading: str = ""
    ) -> str:
        """A form of a page with what was typed; one that comes back with an error is an error."""
        forms = [
            values for where, values in Forms(page).found if action in where or (not where and action in path)
        ]
        wanted = set(typed)
        fitting = [values for values in forms if wanted & set(values)] or forms
        if not fitting:
            return ""
        body = {**fitting[0], **typed}
        headers = {"Referer": f"https://{HOST}{path}", "Origin": f"https://{HOST}"}
        with self.client.post(
            path, body, headers=headers, name=f"{self.surface} {name}", catch_response=True
        ) as answer:
            if answer.status_code not in (200, 204):
                answer.failure(f"{answer.status_code} {_said(answer.text)}")
            elif wrong := _WRONG.search(answer.text):
                answer.failure(f"refused: {_plain(wrong[1])[:80]}")
            elif heading and heading not in _said(answer.text):
                answer.failure(f"came to {_said(answer.text)}")
            return answer.text


def _plain(text: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())


def _said(text: str) -> str:
    found = _HEADING.search(text)
    return _plain(found[1])[:60] if found else text[:60]


def _links(page: str, pattern: str) -> list[str]:
    return list(dict.fromkeys(re.findall(pattern, page)))


_office, _institutions, _experts, _applications = (itertools.count() for _ in range(4))


class Office(Person):
    """43 of the office: the queues, one dispatch after the other, an inquiry, the list with words, the month."""

    fixed_count = max(1, int(len(PEOPLE["office"]) * PART))
    wait_time = between(6, 15)
    surface = "事務局"

    def on_start(self) -> None:
        """From the one building."""
        number = next(_office)
        self.begin(PEOPLE["office"][number], OFFICE_ADDRESS)
        self.place = number

    @task(2)
    def home(self) -> None:
        """What waits."""
        self.get("/office/", "はじめの画面")

    @task(4)
    def queue(self) -> None:
        """A page of the findings and the dispatch behind one of its lines."""
        page = self.get(f"/office/queue/?page={self.place % 5 + 1}", "確認事項の待ち行列")
        numbers = _links(page, r"/office/dispatches/([^/?\"]+)/")
        if numbers:
            self.get(f"/office/dispatches/{random.choice(numbers)}/", "派遣の画面")

    @task(2)
    def clear(self) -> None:
        """Waives a finding of a dispatch of one's own share, or asks about it."""
        page = self.get(f"/office/queue/?page={self.place + 1}&kind=保留", "確認事項の待ち行列")
        numbers = _links(page, r"/office/dispatches/([^/?\"]+)/")
        if not numbers:
            return
        number = numbers[(self.place + int(time.time())) % len(numbers)]
        page = self.get(f"/office/dispatches/{number}/", "派遣の画面")
        act = f"/office/dispatches/{number}/acts/ask/"
        if act in page:
            typed = {"asked_of": "expert", "comment": "開始時刻の違いについてお知らせください。"}
            self.send_form(page, act, typed, "照会を送る", act)

    @task(3)
    def search(self) -> None:
        """The list, by words."""
        words = random.choice(("見本123", "株式会社試験12", "D20210700", "田中", "商工会"))
        self.get(f"/office/dispatches/?q={words}", "派遣の一覧（語で探す）")

    @task(2)
    def others(self) -> None:
        """The other queues and the month."""
        path, name = random.choice(
            (
                ("/office/travel/", "旅費の確認"),
                ("/office/reception/", "受付"),
                ("/office/inquiries/", "照会"),
                ("/office/tasks/", "自分の対応待ち"),
                ("/office/months/2021-07/", "月の画面"),
                ("/office/experts/?q=高橋", "専門家の検索"),
            )
        )
        self.get(path, name)


class Institution(Person):
    """200 institutions: the case, an expert for it, the application; reports to approve."""

    fixed_count = max(1, int(len(PEOPLE["institutions"]) * PART))
    wait_time = between(20, 60)
    surface = "機関"

    def on_start(self) -> None:
        """Each from an address of its own."""
        number = next(_institutions)
        self.begin(PEOPLE["institutions"][number], f"127.0.{20 + number // 200}.{1 + number % 200}")
        self.cases = list(PEOPLE["cases"][self.username])

    @task(3)
    def home(self) -> None:
        """What waits."""
        self.get("/portal/", "はじめの画面")

    @task(2)
    def lists(self) -> None:
        """Cases and dispatches."""
        self.get("/portal/cases/", "案件の一覧")
        self.get("/portal/dispatches/", "派遣の一覧")

    @task(3)
    def look_for_an_expert(self) -> None:
        """For one of the cases."""
        case = random.choice(PEOPLE["cases"][self.username])
        self.get(f"/portal/cases/{case}/", "案件の画面")
        self.get(f"/portal/experts/?case={case}", "専門家の検索")
        self.get(
            f"/portal/experts/?case={case}&q={random.choice(('高橋', '診断士', '販路開拓'))}", "専門家の検索"
        )

    @task(2)
    def apply(self) -> None:
        """An application, looked at as a whole and sent; each case once."""
        if not self.cases:
            return
        case = self.cases.pop()
        path = f"/portal/cases/{case}/apply/"
        page = self.get(path, "申請の画面")
        # no two of them want the same expert at the same hour, which would rightly be refused
        turn, number = divmod(next(_applications), len(PEOPLE["experts"]))
        day = dt.date.today() + dt.timedelta(days=20 + number % 60)
        while day.weekday() > 4:
            day += dt.timedelta(days=1)
        hour = 9 + 2 * turn + LATER_HOURS
        typed = {
            "expert": f"E{number:06}", "topic": "創業", "day": day.isoformat(), "start": f"{hour}:00",
            "end": f"{hour + 1}:30", "method": "対面", "place": "見本市1-1", "position": "35.681236, 139.767125",
            "accompanied": "yes", "subsidised_labour": "no", "paid_by_institution": "no",
            "member_of_institution": "no", "requested_by_expert": "no",
        }  # fmt: skip
        page = self.send_form(page, "", {**typed, "step": "confirm"}, "申請内容の確認", path)
        if "この内容で申請する" in page:
            self.send_form(page, "", {**typed, "step": "send"}, "申請を送る", path)

    @task(3)
    def approve(self) -> None:
        """The next report that waits."""
        page = self.get("/portal/approvals/", "承認待ち")
        numbers = _links(page, r"/portal/dispatches/([^/?\"]+)/approval/")
        if not numbers:
            return
        path = f"/portal/dispatches/{numbers[0]}/approval/"
        page = self.get(path, "承認の画面")
        typed = {"act": "approve", "accompanied": "yes", "by": "機関 見本"}
        if 'value="approve"' in page:
            self.send_form(page, "", typed, "承認する", path)


class Expert(Person):
    """500 experts on phones: the visit of today, check-in and check-out with the position, what was sent before."""

    fixed_count = max(1, int(len(PEOPLE["experts"]) * PART))
    wait_time = between(30, 90)
    surface = "専門家"

    def on_start(self) -> None:
        """Behind the addresses of mobile networks."""
        number = next(_experts)
        own = PEOPLE["experts"][number]
        self.visit = own["visit"]
        self.begin(own["username"], f"127.0.{30 + number % CARRIERS // 100}.{1 + number % CARRIERS % 100}")
        self.sent: list[dict[str, Any]] = []

    @task(2)
    def home(self) -> None:
        """What is next."""
        self.get("/expert/", "はじめの画面")

    @task(2)
    def page_of_the_visit(self) -> None:
        """The visit of today."""
        self.get(f"/expert/visits/{self.visit}/", "支援の画面")

    @task(4)
    def check(self) -> None:
        """In, then out; afterwards what was sent goes once more, as after a bad network."""
        if len(self.sent) < 2:
            kind = ("開始", "終了")[len(self.sent)]
            now = dt.datetime.now(dt.timezone(dt.timedelta(hours=9)))
            event = {
                "event_id": str(uuid.uuid4()), "dispatch": self.visit, "kind": kind,
                "device_time": now.isoformat(timespec="seconds"), "latitude": 35.6812, "longitude": 139.7671,
                "accuracy": 12.5, "fix_age": 2, "permission": "granted", "sent_time": now.isoformat(),
            }  # fmt: skip
            if kind == "終了":
                event["signer_name"] = "見本 花子"
            self.sent.append(event)
            self._send([event], "チェックイン・アウト", ("created", "duplicate"))
        else:
            self._send(self.sent, "チェックの再送", ("duplicate",))

    def _send(self, given: list[dict[str, Any]], name: str, wanted: tuple[str, ...]) -> None:
        headers = {
            "X-CSRFToken": self.client.cookies.get("csrftoken", ""),
            "Referer": f"https://{HOST}/expert/",
            "Origin": f"https://{HOST}",
        }
        with self.client.post(
            "/api/v1/check-events/",
            json=given,
            headers=headers,
            name=f"{self.surface} {name}",
            catch_response=True,
        ) as answer:
            if answer.status_code != 200:
                answer.failure(f"{answer.status_code} {answer.text[:80]}")
            elif any(row["status"] not in wanted for row in answer.json()):
                answer.failure(f"{answer.json()[0]['status']} {answer.json()[0].get('reason', '')[:60]}")

    @task(1)
    def lists(self) -> None:
        """What there was."""
        self.get("/expert/dispatches/", "派遣の一覧")

    @task(1)
    def report(self) -> None:
        """The page of the report, once the visit has its times."""
        if len(self.sent) == 2:
            self.get(f"/expert/dispatches/{self.visit}/report/", "報告の画面")


@events.test_stop.add_listener
def write_down(environment: Any, **_: Any) -> None:
    """Every name with its figures, and every error, for the report."""
    rows = [
        {
            "name": entry.name,
            "method": entry.method,
            "requests": entry.num_requests,
            "errors": entry.num_failures,
            "p50_ms": entry.get_response_time_percentile(0.5),
            "p95_ms": entry.get_response_time_percentile(0.95),
            "p99_ms": entry.get_response_time_percentile(0.99),
        }
        for entry in environment.stats.entries.values()
    ]
    errors = [
        {"name": error.name, "error": str(error.error), "count": error.occurrences}
        for error in environment.stats.errors.values()
    ]
    surfaces = {}
    for surface in ("事務局", "機関", "専門家"):
        whole = StatsEntry(None, surface, "")
        for entry in environment.stats.entries.values():
            if entry.name.startswith(surface):
                whole.extend(entry)
        surfaces[surface] = {
            "requests": whole.num_requests,
            "errors": whole.num_failures,
            "p50_ms": whole.get_response_time_percentile(0.5),
            "p95_ms": whole.get_response_time_percentile(0.95),
        }
    total = environment.stats.total
    with open(os.environ["DAY_RESULT"], "w", encoding="utf-8") as file:
        json.dump(
            {
                "rows": rows,
                "errors": errors,
                "requests": total.num_requests,
                "per_second": total.total_rps,
                "surfaces": surfaces,
            },
            file,
            ensure_ascii=False,
        )
