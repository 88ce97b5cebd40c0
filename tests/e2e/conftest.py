"""A real browser on a real server: gunicorn on a database of the test's own, Debian's Chromium through playwright.

`site` starts the server for one test and is the way to its people and mails; `desk` opens browsers, one per person.
Whatever a page asks of another host, and whatever it complains about on the console, fails the test.
"""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

PROJECT = Path(__file__).resolve().parent.parent.parent
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
PASSWORD = "tsukinami-shiharai-2021"
_READY_SECONDS = 60
# A busy machine is slow, not wrong.
expect.set_options(timeout=15_000)
# What the browser itself says about answers that are meant: 403, 404, 429.
_EXPECTED = re.compile(r"Failed to load resource: the server responded with a status of (403|404|429)")


@dataclass
class Site:
    """The running product."""

    url: str
    log: Path
    environment: dict[str, str]

    def person(self, username: str, role: str, **given: Any) -> Any:
        """An account that signs in with PASSWORD."""
        from accounts.services import create_user
        from core.audit.acting import SYSTEM

        return create_user(username=username, role=role, actor=SYSTEM, password=PASSWORD, **given)

    def link_mailed_to(self, address: str) -> str:
        """The one-time link in the latest mail to an address. The worker's part is done here."""
        from accounts.models import SignInEvent, User
        from accounts.tasks import RESET, queue_sign_in_mails
        from core.notify.models import Mail
        from core.secrets import decrypt

        asked = SignInEvent.objects.filter(kind=SignInEvent.Kind.RESET_ASKED, user__isnull=False)
        queue_sign_in_mails(
            RESET, list(User.objects.filter(pk__in=asked.values("user")).values_list("pk", flat=True))
        )
        body = decrypt(Mail.objects.filter(to=address).latest("pk").body_cipher)
        found = re.search(r"/set-password/\S+", body)
        assert found, "no link in the mail"
        return self.url + found.group(0)

    def make_stale(self) -> None:
        """Everybody's last confirmation was an hour ago."""
        from django.contrib.sessions.backends.db import SessionStore
        from django.contrib.sessions.models import Session

        for key in Session.objects.values_list("session_key", flat=True):
            session = SessionStore(session_key=key)
            if "confirmed_at" in session:
                session["confirmed_at"] -= 3600
                session.save()


@pytest.fixture
def site_environment() -> dict[str, str]:
    """What the server is told besides; a test module may give its own."""
    return {}


@pytest.fixture
def site(fresh_database: Any, site_environment: dict[str, str], tmp_path: Path) -> Iterator[Site]:
    """The product as one gunicorn process on a database of this test's own."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        port = listener.getsockname()[1]
        url = f"http://127.0.0.1:{port}"
        environment = {**fresh_database.environment, "PUBLIC_ORIGIN": url, **site_environment}
        log = tmp_path / "web.log"
        command = [
            sys.executable,
            "-m",
            "gunicorn",
            "config.wsgi:application",
            "--bind",
            f"fd://{listener.fileno()}",
        ]
        command += ["--workers", "1", "--threads", "4", "--no-control-socket", "--worker-tmp-dir", "/dev/shm"]  # noqa: S108
        with log.open("wb") as output:
            process = subprocess.Popen(
                command,
                cwd=PROJECT,
                env=environment,
                pass_fds=[listener.fileno()],
                stdout=output,
                stderr=subprocess.STDOUT,
                process_group=0,
            )
    try:
        _wait_until_ready(f"{url}/healthz", process, log)
        yield Site(url, log, environment)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            # the workers as well: one left behind holds on to the database
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait_until_ready(address: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    end = time.monotonic() + _READY_SECONDS
    while time.monotonic() < end:
        if process.poll() is not None:
            pytest.fail(f"the server ended at once:\n{log.read_text()[-3000:]}")
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:  # noqa: S310 - our own address
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.1)
    pytest.fail(f"the server is not ready:\n{log.read_text()[-3000:]}")


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """One browser process for the tests of this folder, gone before others run in the same process.

    playwright's event loop runs in the tests' own thread, where Django would refuse the database.
    """
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@dataclass
class Desk:
    """Opens a browser per person and watches what its pages do."""

    site: Site
    chromium: Browser
    stack: ExitStack
    trouble: list[str] = field(default_factory=list)

    def open(self, path: str = "/", *, width: int = 1280, **options: Any) -> Page:
        """A fresh browser (no cookies) on a page of the product."""
        context: BrowserContext = self.chromium.new_context(
            base_url=self.site.url,
            locale="ja-JP",
            timezone_id="Asia/Tokyo",
            viewport={"width": width, "height": 900},
            **options,
        )
        self.stack.callback(context.close)
        context.set_default_timeout(15_000)
        page = context.new_page()
        page.on("request", lambda request: self._foreign(request.url))
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.trouble.append(f"script error: {error}"))
        page.goto(path)
        return page

    def sign_in(self, username: str, *, path: str = "/", **options: Any) -> Page:
        """A fresh browser in which this person has given name and password; what comes then is there, with scripts."""
        page = self.open(path, **options)
        with page.expect_navigation():
            give_password(page, username)
        return page

    def _foreign(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("data", "blob") and f"{parts.scheme}://{parts.netloc}" != self.site.url:
            self.trouble.append(f"request to another host: {parts.scheme}://{parts.netloc}")

    def _console(self, message: ConsoleMessage) -> None:
        if "htmx:sendAbort" in message.text and self.trouble and "htmx:afterRequest" in self.trouble[-1]:
            self.trouble.pop()  # two lines that say: a page was left while it was still asking
            return
        if message.type in ("error", "warning") and not _EXPECTED.search(message.text):
            self.trouble.append(f"console: {message.text}")


def give_password(page: Page, username: str, password: str = PASSWORD) -> None:
    """Fills in the sign-in page and sends it."""
    page.get_by_label("ユーザー名").fill(username)
    page.get_by_label("パスワード").fill(password)
    page.get_by_role("button", name="ログイン", exact=True).click()


@pytest.fixture
def desk(site: Site, chromium: Browser) -> Iterator[Desk]:
    """Browsers for this test; at its end nothing may have gone to another host or complained."""
    with ExitStack() as stack:
        desk = Desk(site, chromium, stack)
        yield desk
    assert desk.trouble == []
    errors = [
        line
        for line in site.log.read_text().splitlines()
        if "Traceback" in line or '"status": 5' in line or "answered 5" in line
    ]
    assert errors == [], site.log.read_text()[-3000:]


def wait_until(page: Page, condition: Callable[[], object], seconds: float = 15) -> None:
    """Waits for something the server has to know, while the page goes on."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come about"
        page.wait_for_timeout(100)


@pytest.fixture
def until() -> Callable[..., None]:
    """`wait_until`, for tests."""
    return wait_until


@pytest.fixture
def fill_password() -> Callable[..., None]:
    """`give_password`, for tests."""
    return give_password
