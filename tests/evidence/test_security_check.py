"""What the security check itself rests on: its rules, its planted faults, its acceptances, its table of rows (R-060)."""

from pathlib import Path

import pytest

from benchmarks.security.outcomes import Acceptance, Finding, acceptances, sorted_out
from benchmarks.security.own_tests import rows
from benchmarks.security.planted_sources import PLANTED
from benchmarks.security.reading import rules

ROOT = Path(__file__).resolve().parent.parent.parent


def test_every_rule_says_what_it_is_about_and_has_something_planted() -> None:
    found = rules()
    assert len({rule["id"] for rule in found}) == len(found) > 15
    for rule in found:
        assert rule["message"].strip(), rule["id"]
        assert rule["severity"] in ("WARNING", "ERROR"), rule["id"]
        assert rule["metadata"]["planted"] in PLANTED, rule["id"]


def test_no_acceptance_is_without_a_reason_or_covers_everything(tmp_path: Path) -> None:
    assert len(acceptances()) > 20
    for row in ("bandit,*,core/x.py,why", "bandit,B101,*,why", "bandit,B101,core/x.py, "):
        path = tmp_path / "accepted.csv"
        path.write_text(f"tool,rule,place,reason\n{row}\n", encoding="utf-8")
        with pytest.raises(ValueError, match="accepted.csv"):
            acceptances(path)


def test_only_what_is_accepted_in_that_place_and_information_is_not_open() -> None:
    accepted = [Acceptance("bandit", "B608", "core/*", "ours")]
    here, there = (
        Finding("bandit", "medium", "B608", "core/a.py"),
        Finding("bandit", "medium", "B608", "office/a.py"),
    )
    others, info = (
        Finding("ruff", "low", "B608", "core/a.py"),
        Finding("bandit", "info", "B101", "tests/a.py"),
    )
    still, settled = sorted_out([here, there, others, info], accepted)
    assert still == [there, others]
    assert [finding for finding, _ in settled] == [here]


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.id)
def test_each_row_of_the_requirements_has_tests_that_exist_or_says_why_not(row: object) -> None:
    tests, note = row.tests, row.note  # type: ignore[attr-defined]
    assert tests or note
    for test in tests:
        path, _, name = test.partition("::")
        assert (ROOT / path).exists(), path
        assert f"def {name}" in (ROOT / path).read_text(encoding="utf-8") if name else True, test
