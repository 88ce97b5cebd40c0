"""Where pictures are taken: the demonstration on servers and data of its own, and a real browser for its people.

Nothing is left running. The browser is Chromium: the one named by CHROMIUM, else an installed one, else Playwright's own.
"""

# ruff: noqa: S603 - it starts our own programs

import contextlib
import http.client
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Geolocation, Page, Response, ViewportSize, sync_playwright

PROJECT = Path(__file__).resolve().parent.parent.parent
DATA = PROJECT / "build" / "screens"
DESK: ViewportSize = {"width": 1280, "height": 900}
PHONE: ViewportSize = {"width": 375, "height": 760}
# Where a phone of these pictures stands: Tokyo Station.
PLACE: Geolocation = {"latitude": 35.681236, "longitude": 139.767125, "accuracy": 12}
COLOURS = 256
READY_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Stage:
    """The running demonstration: its address, and the browser."""

    address: str
    browser: Browser


@contextlib.contextmanager
def stage(*programs: tuple[str, ...]) -> Iterator[Stage]:
    """Builds the demonstration's data, runs further programs on them, serves it, opens the browser; ends all of it."""
    shutil.rmtree(DATA, ignore_errors=True)
    try:
        _run("manage.py", "setup")
        _run("manage.py", "demo_data")
        for program in programs:
            _run(*program)
        os.environ.update(_environment())
        import django

        django.setup()
        with _serving() as address, sync_playwright() as play:
            browser = play.chromium.launch(
                executable_path=_chromium(), args=["--no-sandbox"], env={**os.environ, "LANGUAGE": "ja"}
            )
            yield Stage(address, browser)
            browser.close()
    finally:
        _run("-m", "config.servers", "stop")
        shutil.rmtree(DATA, ignore_errors=True)


@contextlib.contextmanager
def window(where: Stage, username: str = "", *, phone: bool = False) -> Iterator[Page]:
    """A fresh browser, in which a person of the demonstration has signed in when one is named.

    SystemExit for a page that the server refuses: never keep the picture of an error page.
    """
    context = where.browser.new_context(
        base_url=where.address,
        viewport=PHONE if phone else DESK,
        device_scale_factor=2 if phone else 1,
        is_mobile=phone,
        has_touch=phone,
        locale="ja-JP",
        timezone_id="Asia/Tokyo",
        geolocation=PLACE,
        permissions=["geolocation"],
        reduced_motion="reduce",
    )
    context.set_default_timeout(15_000)
    failed: list[Response] = []
    page = context.new_page()
    page.on("response", lambda response: failed.append(response) if response.status >= 400 else None)
    try:
        if username:
            _sign_in(page, username)
        yield page
        if failed:
            sys.exit(f"画面を開けませんでした（{failed[0].status}）：{failed[0].url}")
    finally:
        context.close()


def keep(page: Page, path: Path, *, top: str = "") -> Path:
    """Saves what the page shows, from its head or from the element `top`, with few colours so that the file stays small."""
    page.wait_for_load_state("networkidle")
    # a page just come to is for a moment laid out wider than the phone
    page.wait_for_function("visualViewport.scale === 1 && document.documentElement.scrollWidth <= innerWidth")
    if top:
        page.locator(top).first.evaluate("element => element.scrollIntoView({block: 'start'})")
    else:
        page.evaluate("window.scrollTo(0, 0)")
    page.screenshot(path=path, animations="disabled", caret="hide")
    with Image.open(path) as picture:
        picture.convert("RGB").quantize(COLOURS, kmeans=2, dither=Image.Dither.NONE).save(path, optimize=True)
    return path


def _sign_in(page: Page, username: str) -> None:
    from payments.demo.logins import LOGINS

    page.goto("/sign-in/")
    page.fill("#id_username", username)
    page.fill("#id_password", next(login.secret for login in LOGINS if login.username == username))
    page.click("main button[type=submit]")
    page.wait_for_load_state()


def _environment() -> dict[str, str]:
    """The environment of every program started here: embedded servers under build/screens, nothing from outside."""
    kept = {key: value for key, value in os.environ.items() if key not in {"DATABASE_URL", "REDIS_URL"}}
    return {**kept, "VAR_DIR": str(DATA), "DJANGO_SETTINGS_MODULE": "config.settings.embedded"}


def _run(*arguments: str) -> None:
    """Runs one of the project's programs to its end; a failure ends us with its message."""
    subprocess.run([sys.executable, *arguments], cwd=PROJECT, env=_environment(), check=True)


@contextlib.contextmanager
def _serving() -> Iterator[str]:
    """The product on a free port of this machine; yields its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "manage.py", "runserver", f"127.0.0.1:{port}", "--noreload"],
        cwd=PROJECT,
        env=_environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _await_answer(server, port)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(timeout=20)


def _await_answer(server: "subprocess.Popen[bytes]", port: int) -> None:
    """Waits until the product answers; SystemExit when it ends or stays silent."""
    until = time.monotonic() + READY_SECONDS
    while time.monotonic() < until:
        if server.poll() is not None:
            sys.exit("画面のサーバーが起動しませんでした。")
        with contextlib.suppress(OSError):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/healthz")
            if connection.getresponse().status == http.HTTPStatus.OK:
                return
        time.sleep(0.3)
    sys.exit("画面のサーバーが応答しませんでした。")


def _chromium() -> str | None:
    """The path of an installed Chromium, or None for Playwright's own."""
    return os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
