"""What the tests of the close share: people, months to load, and how files are compared with the expected ones."""

import csv
import datetime as dt
from pathlib import Path

from accounts.models import Role, User
from core.audit.acting import SYSTEM
from core.exchange.services import load_folder
from payments.models import PayoutRun
from payments.services import approve_run, compute_run, draft_run

ACCEPTANCE = Path(__file__).resolve().parent.parent / "data" / "acceptance"
JULY = dt.date(2021, 7, 1)
PAY_DATE = dt.date(2021, 8, 25)


def person(name: str, role: Role) -> User:
    """An account of that role; the same one when asked again."""
    user, _ = User.objects.get_or_create(username=name, defaults={"role": role})
    return user


def maker() -> User:
    return person("tanto", Role.OFFICE_OPERATOR)


def checker() -> User:
    return person("shonin", Role.OFFICE_APPROVER)


def load(folder: str) -> None:
    """Loads a folder of tests/data/acceptance."""
    result = load_folder(ACCEPTANCE / folder, actor=SYSTEM)
    assert result.ok, list(result.problems)


def computed_july() -> PayoutRun:
    run = draft_run(month=JULY, pay_date=PAY_DATE, actor=maker(), past_allowed=True)
    return compute_run(run=run, actor=maker())


def approved_july() -> PayoutRun:
    return approve_run(run=computed_july(), actor=checker())


def rows(path: Path, columns: list[str] | None = None) -> list[list[str]]:
    """The rows of a CSV with its header first, cut down to some columns."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        read = list(csv.reader(file))
    if columns is None:
        return read
    places = [read[0].index(column) for column in columns]
    return [[row[place] for place in places] for row in read]


def assert_as_expected(output: Path, expected: Path) -> None:
    """The tables agree in the columns that are expected, zengin.txt byte for byte."""
    names = sorted(path.name for path in expected.iterdir())
    assert names == ["holds.csv", "payout_lines.csv", "payouts.csv", "withholding.csv", "zengin.txt"]
    for path in expected.iterdir():
        if path.suffix == ".txt":
            assert (output / path.name).read_bytes() == path.read_bytes()
        else:
            wanted = rows(path)
            assert rows(output / path.name, wanted[0]) == wanted


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, by name."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
