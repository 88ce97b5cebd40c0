"""Which version this is: the number of the release, and the commit where it is known."""

import os
from functools import cache
from pathlib import Path

VERSION = "0.1.0"
_PROJECT = Path(__file__).resolve().parent.parent


@cache
def commit() -> str:
    """The commit this was made from: APP_COMMIT of the image, else the checkout's own; empty where neither is known."""
    given = os.environ.get("APP_COMMIT", "").strip()
    if given:
        return given[:12]
    try:
        head = (_PROJECT / ".git" / "HEAD").read_text().strip()
        if head.startswith("ref: "):
            head = (_PROJECT / ".git" / head.removeprefix("ref: ")).read_text().strip()
    except OSError:
        return ""
    return head[:12]
