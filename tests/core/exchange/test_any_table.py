"""Whatever a file holds, loading answers; and what is accepted comes out and goes in again the same."""

import io
import tempfile
from pathlib import Path

import pytest
from django.db import transaction
from exchange_folder import COMPANY, EVENT, TRAVEL, Rows, as_csv, exported, load, load_bytes, small
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from core.audit.acting import SYSTEM
from core.exchange import registry, services, writing

pytestmark = pytest.mark.django_db
SETTINGS = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

TEXT = st.text(max_size=12)
ODD = st.sampled_from(
    ["", " ", "'", "''", "=1", "+1", "-1", "-0", "0", "00", "1.50", "1e5", "NaN", "有", "無", "2021/7/5", "2021-07-05 9:00",
     "2021-07-05 09:00:30", "９", "－１", "１．５０", ";", "a;b", "\\N", "\t", "\r\n", "T1234567890123", "K1", "'K1", "𠀋"]
)  # fmt: skip
CELL = st.one_of(ODD, TEXT)


def _rows(base: dict[str, str], columns: list[str]) -> st.SearchStrategy[Rows]:
    """Rows in which some cells are anything and the others what they should be."""
    changed = st.dictionaries(st.sampled_from(columns), CELL, max_size=3)
    return st.lists(
        changed.map(lambda cells: {**dict.fromkeys(columns, ""), **base, **cells}), min_size=1, max_size=3
    )


def _columns(name: str) -> list[str]:
    return [column.name for column in registry.table_named(name).columns]


class _Undo(Exception):
    pass


def _fixed_point(tables: dict[str, Rows]) -> None:
    try:
        with transaction.atomic():
            result = load({name: [_escaped(name, row) for row in rows] for name, rows in tables.items()})
            event("accepted" if result.ok else "refused")
            if result.ok:
                with tempfile.TemporaryDirectory() as folder:
                    files = exported(Path(folder))
                    again = services.load_folder(folder, actor=SYSTEM)
                    assert again.ok, again.errors
                    assert not again.changed
                    assert exported(Path(folder)) == files
            else:
                assert all(error.line >= 1 and error.reason for error in result.errors)
            raise _Undo
    except _Undo:
        pass


def _escaped(name: str, row: dict[str, str]) -> dict[str, str]:
    kinds = {column.name: column.kind for column in registry.table_named(name).columns}
    return {
        column: cell if kinds[column].numeric else writing.escape_text(cell) for column, cell in row.items()
    }


@SETTINGS
@given(st.data())
def test_any_cells_are_answered_and_accepted_ones_are_a_fixed_point(data: st.DataObject) -> None:
    tables = small()
    bases = {"companies": COMPANY, "check_events": EVENT, "travel_claims": TRAVEL, "experts": tables["experts"][0],
             "dispatches": tables["dispatches"][0], "institutions": tables["institutions"][0]}  # fmt: skip
    name = data.draw(st.sampled_from(list(bases)))
    tables[name] += data.draw(_rows(bases[name], _columns(name)))
    for number, row in enumerate(tables[name][1:], start=1):
        key = registry.table_named(name).key[-1]
        if row[key] == bases[name][key]:
            row[key] = f"{number + 1}" if name == "travel_claims" else f"{row[key]}{number}"
    _fixed_point(tables)


@SETTINGS
@given(st.binary(max_size=300), st.sampled_from(["csv", "xlsx"]))
def test_any_bytes_are_answered(data: bytes, ending: str) -> None:
    for start in ("", as_csv([COMPANY])):
        with transaction.atomic():
            load_bytes({f"companies.{ending}": start.encode() + data}, dry_run=True)


@SETTINGS
@given(st.text(alphabet='",\r\n\t a1あ\\', max_size=60))
def test_any_quotes_and_newlines_are_answered_with_plausible_lines(text: str) -> None:
    data = (as_csv([COMPANY]) + text).encode()
    result = services.load_files({"companies.csv": io.BytesIO(data)}, actor=SYSTEM, dry_run=True)
    last = data.count(b"\n") + data.count(b"\r") + 1
    assert all(1 <= error.line <= last for error in result.errors)
