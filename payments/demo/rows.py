"""The shape of the story's tables: rows of the exchange files (exchange.md §1) by their Japanese column names."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Final

Row = dict[str, str]
Value = str | int | float | bool | date | datetime | None

PAYER: Final = "payer.csv"
INSTITUTIONS: Final = "institutions.csv"
EXPERTS: Final = "experts.csv"
COMPANIES: Final = "companies.csv"
DISPATCHES: Final = "dispatches.csv"
EVENTS: Final = "check_events.csv"
DECLARATIONS: Final = "declarations.csv"
CLAIMS: Final = "travel_claims.csv"
TABLES: Final = (PAYER, INSTITUTIONS, EXPERTS, COMPANIES, DISPATCHES, EVENTS, DECLARATIONS, CLAIMS)


def text(value: Value) -> str:
    """A value as an exchange file writes it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "有" if value else "無"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S" if value.second else "%Y-%m-%d %H:%M")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float):
        return f"{value:f}".rstrip("0").rstrip(".")
    return str(value)


def row(values: Mapping[str, Value]) -> Row:
    """A row as an exchange file writes it."""
    return {column: text(value) for column, value in values.items()}
