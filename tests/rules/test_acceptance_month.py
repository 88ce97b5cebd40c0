"""The acceptance months, calculated by the rules alone, equal what is expected to the yen and to the byte."""

from __future__ import annotations

import csv
from datetime import date, datetime
from pathlib import Path

from exchange_month import Office, Run

ACCEPTANCE = Path(__file__).resolve().parents[1] / "data" / "acceptance"
AUGUST = datetime(2021, 8, 1)
SEPTEMBER = datetime(2021, 9, 1)


def expected_rows(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))[1:]


def assert_same(run: Run, expected: Path, pay_date: date) -> None:
    assert run.payout_lines() == expected_rows(expected / "payout_lines.csv")
    assert run.payouts() == expected_rows(expected / "payouts.csv")
    holds = [[number, finding.kind, finding.code] for number, finding in run.holds()]
    assert holds == expected_rows(expected / "holds.csv")
    assert run.withholding(pay_date) == expected_rows(expected / "withholding.csv")
    assert run.bank_file(pay_date) == (expected / "zengin.txt").read_bytes()


def test_the_month_of_july_2021_is_calculated_as_expected() -> None:
    office = Office()
    office.load(ACCEPTANCE / "2021-07")
    assert_same(office.close(AUGUST), ACCEPTANCE / "expected" / "2021-07", date(2021, 8, 25))


def test_the_edge_months_and_their_further_runs_are_calculated_as_expected() -> None:
    edges = ACCEPTANCE / "edges"
    office = Office()
    office.load(edges / "stage1")
    assert_same(office.close(AUGUST), edges / "expected" / "2021-07", date(2021, 8, 25))
    office.load(edges / "stage2")
    assert_same(office.close(AUGUST), edges / "expected" / "2021-07-2", date(2021, 8, 31))
    assert_same(office.close(SEPTEMBER), edges / "expected" / "2021-08", date(2021, 9, 27))


def test_every_hold_says_why_what_was_expected_and_what_is_there() -> None:
    office = Office()
    office.load(ACCEPTANCE / "2021-07")
    office.load(ACCEPTANCE / "edges" / "stage1")
    holds = office.close(AUGUST).holds()
    assert holds
    for number, finding in holds:
        assert finding.reason, (number, finding)
        assert finding.expected, (number, finding)
        assert finding.actual, (number, finding)


def test_every_line_explains_its_amount() -> None:
    office = Office()
    office.load(ACCEPTANCE / "2021-07")
    for month in office.close(AUGUST).months.values():
        for line in month.lines:
            assert line.explanation.startswith(line.item)
            assert f"{line.amount:,}円" in line.explanation
