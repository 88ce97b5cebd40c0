"""A month closed by two people at browsers, who press again when something went wrong."""

import re
import threading
import time
from pathlib import Path
from typing import Any

from .counting import Store
from .instance import wait_until
from .people import Answer, Browser, NoAnswer, Seen

_SHOWN = re.compile(r'name="shown"\s+value="([^"]+)"')
_AGAIN_SECONDS = 0.5
_JOB_SECONDS = 150


class Close:
    """One month's run, from the drafted row to its files."""

    def __init__(self, month: str, maker: Browser, checker: Browser, seen: Seen, store: Store) -> None:
        self.run, self._seen, self._store = month, seen, store
        self._maker, self._checker = maker, checker
        self.pressed_again = 0

    def _press(self, browser: Browser, act: str, fields: dict[str, str]) -> Answer | None:
        try:
            answer = browser.post_form(f"/office/runs/{self.run}/{act}/", fields, Referer="")
        except NoAnswer:
            self._seen.met(None)
            return None
        if answer.status >= 500:
            self._seen.met(answer)
            return None
        if answer.status not in (302, 409):
            self._seen.wrong.append(f"{act} に {answer.status} {answer.heading}")
        return answer

    def ask(self, act: str) -> None:
        """Presses 計算する or 出力する until it is acknowledged."""
        end = time.monotonic() + _JOB_SECONDS
        while self._press(self._maker, act, {}) is None and time.monotonic() < end:
            time.sleep(_AGAIN_SECONDS)

    def under_way(self, kind: str) -> None:
        """Returns when the worker has begun, or has done, the newest job of a kind."""
        wait_until(lambda: (self._store.job(kind, self.run) or ("",))[0] in ("running", "done"), 20, 0.02)

    def finish(self, kind: str, act: str, wanted: tuple[str, ...]) -> dict[str, Any]:
        """Waits until the run is where the job leads; presses again where the job failed, as a person would."""
        said: list[str] = []
        pressed: set[int] = set()

        def there() -> bool:
            if self._store.run_status(self.run) in wanted:
                return True
            job = self._store.job(kind, self.run)
            if job and job[0] == "failed" and job[3] not in pressed:
                pressed.add(job[3])
                said.append(job[2])
                self.pressed_again += 1
                self.ask(act)
            return False

        took = wait_until(there, _JOB_SECONDS)
        job = self._store.job(kind, self.run)
        return {"seconds": took, "attempts": job[1] if job else 0, "said": said}

    def approve(self, before_sending: threading.Event | None = None) -> None:
        """Opens the confirmation page and approves; again until it is approved."""
        path = f"/office/runs/{self.run}/approve/"
        end = time.monotonic() + _JOB_SECONDS
        while time.monotonic() < end:
            try:
                page = self._checker.ask("GET", path)
            except NoAnswer:
                self._seen.met(None)
                time.sleep(_AGAIN_SECONDS)
                continue
            found = _SHOWN.search(page.text)
            if page.status >= 500 or not found:
                if page.status >= 500:
                    self._seen.met(page)
                time.sleep(_AGAIN_SECONDS)
                continue
            if before_sending:
                before_sending.set()
            self._press(self._checker, "approve", {"shown": found[1]})
            if wait_until(lambda: self._store.run_status(self.run) == "approved", 3):
                return

    def differences(self, reference: Path) -> list[str]:
        """Files whose bytes aren't those of the undisturbed close."""
        wanted = {
            str(path.relative_to(reference)): path.read_bytes()
            for path in reference.rglob("*")
            if path.is_file()
        }
        found = self._store.run_files(self.run)
        return sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))
