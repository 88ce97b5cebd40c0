"""The virus scanner's word on what has just been received. Configured and silent: the file waits, and nobody opens it."""

import datetime as dt
import logging
from dataclasses import dataclass

from django.conf import settings
from django.core.cache import cache

from core import clock

from .clamd import ScannerSilent, Verdict, scan

log = logging.getLogger(__name__)

_SILENT = "clamd-silent"
# After a silence uploads don't wait for the scanner again, but for the next run of the job.
_SILENT_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Scan:
    """What came of asking: at what moment it answered (None: it didn't), and what it found."""

    at: dt.datetime | None = None
    finding: str = ""
    waits: bool = False

    @property
    def refused(self) -> bool:
        """Whether it found something."""
        return bool(self.finding)


def is_configured() -> bool:
    """Whether there is a scanner at all (CLAMD_ADDRESS)."""
    return bool(settings.CLAMD_ADDRESS)


def scan_upload(content: bytes) -> Scan:
    """The scanner's word on what has just been received; without a scanner everything passes."""
    if not is_configured():
        return Scan()
    if cache.get(_SILENT):
        return Scan(waits=True)
    try:
        verdict = ask(content)
    except ScannerSilent as silence:
        log.warning("the virus scanner is silent: %s", silence)
        cache.set(_SILENT, "1", _SILENT_SECONDS)
        return Scan(waits=True)
    return Scan(clock.now(), verdict.finding)


def ask(content: bytes) -> Verdict:
    """The verdict of the scanner of the settings. Raises ScannerSilent."""
    return scan(content, address=settings.CLAMD_ADDRESS, timeout=settings.CLAMD_TIMEOUT_SECONDS)
