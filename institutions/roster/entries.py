"""An entry of the register as the texts of a file, and back."""

import datetime as dt
from typing import Any

from institutions.exchange import INSTITUTIONS
from institutions.models import Institution

VALID_UNTIL = "有効期限"
_FIELDS = {column.name: str(column.field) for column in INSTITUTIONS.columns}
_DATES = {"認定有効期限", VALID_UNTIL}


def texts_of(institution: Institution) -> dict[str, str]:
    """Every column of institutions.csv and the end of its validity, as a file would show them."""
    found = {name: getattr(institution, field) for name, field in _FIELDS.items()}
    found[VALID_UNTIL] = institution.valid_until
    return {name: _text(value) for name, value in found.items()}


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value.isoformat() if isinstance(value, dt.date) else str(value)


def take_over(institution: Institution, values: dict[str, str]) -> None:
    """Puts a line's values into an entry, unsaved; what the line doesn't have stays as it is."""
    for name, text in values.items():
        if name in _FIELDS:
            setattr(
                institution,
                _FIELDS[name],
                (dt.date.fromisoformat(text) if text else None) if name in _DATES else text,
            )
