"""Text as Japanese files and documents write it: codes in plain digits, yen, minutes."""

from __future__ import annotations

import unicodedata

from rules.wording import minutes, yen

__all__ = ["minutes", "normal_code", "normal_digits", "yen"]

_DASHES = str.maketrans(dict.fromkeys("‐‑‒–—―−ー", "-"))


def normal_code(text: str) -> str:
    """A code or account number as stored: full-width letters and digits become plain (NFKC), ends trimmed."""
    return unicodedata.normalize("NFKC", text).strip()


def normal_digits(text: str) -> str:
    """A number typed with dashes or spaces, without them: `03ー1234－5678` → `0312345678`."""
    return normal_code(text).translate(_DASHES).replace("-", "").replace(" ", "")
