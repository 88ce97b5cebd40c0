"""Takes the pictures in this folder: `python -m docs.screens.take`.

Builds the demonstration's story in servers and data of its own (build/screens), drives a real browser through it as the
people of the demonstration, and leaves nothing running. The browser is Chromium: the one named by CHROMIUM, else an
installed one, else Playwright's own.
"""

# ruff: noqa: T201, S603 - it speaks to a person, and starts our own programs

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
from playwright.sync_api import Browser, Page, Response, sync_playwright

FOLDER = Path(__file__).resolve().parent
PROJECT = FOLDER.parent.parent
DATA = PROJECT / "build" / "screens"
WIDTH, HEIGHT = 1280, 900
COLOURS = 256
READY_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture: its file name, who looks, where the way starts, and which links lead on from there."""

    name: str
    username: str
    start: str
    links: tuple[str, ...] = ()


# the newest month with held dispatches, as the start page names it
HELD = '.queue__link:has-text("分の保留") >> nth=-1'

SHOTS = (
    Shot("home", "demo.approver", "/office/"),
    Shot("month", "demo.operator", "/office/", (HELD,)),
    Shot(
        "dispatch",
        "demo.operator",
        "/office/",
        (HELD, "#list tbody a.row-link"),
    ),
    Shot("run", "demo.approver", "/office/runs/", ("tbody a.row-link",)),
    Shot("payout", "demo.operator", "/office/runs/", ("tbody a.row-link", "#rows tbody a.row-link")),
    Shot("admin", "demo.admin", "/admin/programme/ruleset/", ("#result_list tbody a",)),
)


def environment() -> dict[str, str]:
    """The environment of every program started here: embedded servers under build/screens, nothing from outside."""
    kept = {key: value for key, value in os.environ.items() if key not in {"DATABASE_URL", "REDIS_URL"}}
    return {**kept, "VAR_DIR": str(DATA), "DJANGO_SETTINGS_MODULE": "config.settings.embedded"}


def run(*arguments: str) -> None:
    """Runs one of the project's programs to its end; a failure ends us with its message."""
    subprocess.run([sys.executable, *arguments], cwd=PROJECT, env=environment(), check=True)


@contextlib.contextmanager
def serving() -> Iterator[str]:
    """The portal on a free port of this machine; yields its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "manage.py", "runserver", f"127.0.0.1:{port}", "--noreload"],
        cwd=PROJECT,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        await_answer(server, port)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(timeout=20)


def await_answer(server: "subprocess.Popen[bytes]", port: int) -> None:
    """Waits until the portal answers; SystemExit when it ends or stays silent."""
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


def chromium() -> str | None:
    """The path of an installed Chromium, or None for Playwright's own."""
    return os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")


def signed_in(browser: Browser, address: str, username: str) -> Page:
    """A fresh window in which a person of the demonstration has signed in."""
    from payments.demo.logins import LOGINS

    secret = next(login.secret for login in LOGINS if login.username == username)
    window = browser.new_context(
        viewport={"width": WIDTH, "height": HEIGHT}, locale="ja-JP", timezone_id="Asia/Tokyo"
    )
    page = window.new_page()
    page.goto(f"{address}/sign-in/")
    page.fill("#id_username", username)
    page.fill("#id_password", secret)
    page.click("main button[type=submit]")
    page.wait_for_load_state()
    return page


def take(page: Page, address: str, shot: Shot) -> Path:
    """One picture, with few colours so that the file stays small; answers its path."""
    failed: list[Response] = []
    page.on("response", lambda response: failed.append(response) if response.status >= 400 else None)
    page.goto(address + shot.start)
    for link in shot.links:
        page.locator(link).first.click()
        page.wait_for_load_state()
    if failed:  # never keep the picture of an error page
        sys.exit(f"画面を開けませんでした（{failed[0].status}）：{failed[0].url}")
    page.evaluate("window.scrollTo(0, 0)")
    path = FOLDER / f"{shot.name}.png"
    page.screenshot(path=path)
    with Image.open(path) as picture:
        picture.convert("RGB").quantize(COLOURS, kmeans=2, dither=Image.Dither.NONE).save(path, optimize=True)
    return path


def main() -> None:
    """Builds the story, takes every picture, stops what it started."""
    shutil.rmtree(DATA, ignore_errors=True)
    try:
        run("manage.py", "setup")
        run("manage.py", "demo_data")
        os.environ.update(environment())
        import django

        django.setup()
        with serving() as address, sync_playwright() as play:
            browser = play.chromium.launch(
                executable_path=chromium(), args=["--no-sandbox"], env={**os.environ, "LANGUAGE": "ja"}
            )
            for shot in SHOTS:
                page = signed_in(browser, address, shot.username)
                print(take(page, address, shot).relative_to(PROJECT))
                page.context.close()
            browser.close()
    finally:
        run("-m", "config.servers", "stop")
        shutil.rmtree(DATA, ignore_errors=True)


if __name__ == "__main__":
    main()
