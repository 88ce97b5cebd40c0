"""`manage.py demo_data` where it may not tell its story, or was interrupted while it did."""

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
import time_machine
from demo_command import all_rows, demo_data

from accounts.models import User
from core.errors import DomainError
from experts.models import Expert
from institutions.models import Institution
from payments.demo import telling
from payments.models import PayoutRun

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _evidence(settings: Any, tmp_path: Path) -> None:
    settings.EVIDENCE_DIR = tmp_path / "evidence"


def test_an_interrupted_story_is_finished_as_it_was_begun(
    today: dt.date, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(**options: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(telling, "approve_run", interrupted)
        with pytest.raises(KeyboardInterrupt):
            demo_data()
    begun = all_rows(tmp_path / "begun")
    with time_machine.travel(dt.datetime(2026, 12, 3, tzinfo=dt.UTC)):
        demo_data()
    finished = all_rows(tmp_path / "finished")
    # the first day in the portals adds to the dispatches and changes two of them; all else stays as it was begun
    before, after = (rows.pop("dispatches.csv").splitlines() for rows in (begun, finished))
    assert finished == begun
    assert len(set(before) - set(after)) <= 2
    assert [run.name for run in PayoutRun.objects.order_by("month")] == ["2026-08", "2026-09"]


def test_it_refuses_where_the_demonstration_is_not_allowed(settings: Any) -> None:
    settings.DEMO_DATA_ALLOWED = False
    with pytest.raises(DomainError, match="DEMO_DATA_ALLOWED"):
        demo_data()
    assert not User.objects.exists()


def test_it_never_mixes_with_the_data_of_somebody_else() -> None:
    Institution.objects.create(code="K99999", name="どこかの商工会", kind="商工会", prefecture_code="13")
    with pytest.raises(DomainError, match="業務データ"):
        demo_data()
    assert not User.objects.exists()
    assert not Expert.objects.exists()
