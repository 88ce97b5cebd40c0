"""A close that other people's changes run into, on real commits."""

from pathlib import Path
from typing import Any

import pytest
from closing import JULY, PAY_DATE, checker, load, maker

from core.errors import DomainError
from experts.models import Expert
from payments.models import PayoutRun
from payments.services import batch

pytestmark = pytest.mark.usefixtures("fresh_database")


def close(folder: Path) -> PayoutRun:
    return batch.close_month(
        month=JULY, maker=maker(), checker=checker(), pay_date=PAY_DATE, directory=folder
    )


def changing(times: int, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Before each of the first approvals somebody else changes an address."""
    approve = batch.approve_run
    calls: list[str] = []

    def approve_after_a_change(**given: Any) -> PayoutRun:
        calls.append(given["run"].digest)
        if len(calls) <= times:
            Expert.objects.filter(code="E000001").update(address=f"転居先{len(calls)}")
        return approve(**given)

    monkeypatch.setattr(batch, "approve_run", approve_after_a_change)
    return calls


def test_a_change_before_the_approval_is_reckoned_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load("edges/stage1")
    calls = changing(2, monkeypatch)
    run = close(tmp_path / "out")
    assert run.status == PayoutRun.Status.EXPORTED
    assert len(calls) == 3
    assert run.payouts.get(expert_code="E000001").address == "転居先2"


def test_changes_without_end_refuse_and_leave_no_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load("edges/stage1")
    changing(99, monkeypatch)
    with pytest.raises(DomainError, match="計算後にデータが変わりました"):
        close(tmp_path / "out")
    assert not PayoutRun.objects.exists()
    assert not (tmp_path / "out").exists()
