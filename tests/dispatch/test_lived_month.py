"""A month lived through the services pays like the same month loaded from its export."""

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import stage as stages
import time_machine
from django.core.management import call_command
from django.db import connections
from stage import Stage, at

from accounts.models import Role, User
from core.audit.acting import SYSTEM, acting
from core.exchange.services import export_folder, load_folder
from dispatch.models import Dispatch, Status
from dispatch.services import (
    Accompaniment,
    ClaimLine,
    ReportData,
    approve_dispatch,
    check_travel_line,
    correct_dispatch,
    declare,
    exclude_dispatch,
    finish_visit,
    hold_dispatch,
    submit_report,
)
from payments.models import PayoutRun

RAIL = ClaimLine(
    day=dt.date(2021, 7, 12), kind="鉄道", origin="自宅", destination="支援先", km=Decimal("120.5"), fare=2000,
    express=1500, claimed=3500,
)  # fmt: skip
CAR = ClaimLine(day=dt.date(2021, 7, 13), kind="私有車", km=Decimal("110.4"), claimed=5000)


def application(stage: Stage, day: int, hour: int = 10, **values: Any) -> Any:
    """A dispatch on that day of July; each client has one case a call, and its limit of three."""
    case = stage.case(values.pop("company", "C1"), values.pop("institution", "K1"))
    start = at(f"07-{day:02} {hour:02}:00")
    return stage.application(case, planned_from=start, planned_to=start + dt.timedelta(hours=2), **values)


def live(stage: Stage) -> list[Dispatch]:
    """Ten dispatches of July through the hands of the people, to different ends."""
    clock = at("07-01 09:00")

    def again() -> None:
        stage.travel(clock)

    lived = [stage.approved(application(stage, 12), RAIL)]
    again()
    second = stage.approved(application(stage, 13), CAR)
    check_travel_line(
        line=second.travel_lines.get(), accepted_km=Decimal("108.7"), reason="最短経路", actor=stage.operator
    )
    lived.append(second)
    again()
    lived.append(stage.approved(application(stage, 12, 14, company="C2")))
    again()
    lived.append(stage.approved(application(stage, 14, company="C2", institution="K2", expert="E1")))
    again()
    # the check-out was forgotten
    fifth = stage.confirmed(application(stage, 15, company="C2"))
    stage.travel(at("07-15 13:00"))
    stage.event(fifth, "開始", at("07-15 10:03"))
    expert = stage.experts["E1"]
    finish_visit(dispatch=fifth, visited_from=at("07-15 10:00"), visited_to=at("07-15 12:00"), actor=expert)
    declare(
        dispatch=fifth, cause="終了報告失念", reason="電池切れ", declared_to=at("07-15 12:00"), actor=expert
    )
    declare(dispatch=fifth, cause="署名不備", reason="電池切れ", actor=expert)
    declare(dispatch=fifth, cause="位置情報不備", reason="電池切れ", actor=expert)
    fifth = submit_report(dispatch=fifth, report=ReportData("助言した。"), lines=[], actor=expert)
    lived.append(
        approve_dispatch(
            dispatch=stage.attested(fifth),
            accompaniment=Accompaniment(False, reason="遠方"),
            actor=stage.chief,
        )
    )
    again()
    # paid by the institution: not payable, and known so from the application on
    lived.append(stage.approved(application(stage, 16, expert="E2", company="C3", paid_by_institution=True)))
    again()
    seventh = stage.approved(application(stage, 19, expert="E2", company="C3"))
    lived.append(hold_dispatch(dispatch=seventh, reason="通報あり", actor=stage.operator))
    again()
    eighth = stage.approved(application(stage, 20, expert="E2", company="C3"))
    lived.append(exclude_dispatch(dispatch=eighth, reason="虚偽の報告", actor=stage.operator))
    again()
    # corrected by the office: 15 minutes more
    ninth = stage.approved(application(stage, 21, expert="E2"))
    correct_dispatch(
        dispatch=ninth, values={"実施終了": "2021-07-21 12:05"}, reason="支援先に確認", actor=stage.operator
    )
    lived.append(ninth)
    again()
    # not reported in time
    lived.append(stage.visited(application(stage, 26, expert="E3", company="C4", institution="K2")))
    stage.travel(at("08-02 09:00"))
    return [Dispatch.objects.get(pk=dispatch.pk) for dispatch in lived]


@pytest.fixture
def databases(fresh_database: Any, django_db_blocker: Any) -> Iterator[Any]:
    with django_db_blocker.unblock():
        yield fresh_database


def close(output: Path) -> dict[str, bytes]:
    call_command(
        "close_month", "2021-07", maker="tanto", checker="shonin", pay_date="2021-08-25", output=str(output)
    )
    return {str(path.relative_to(output)): path.read_bytes() for path in output.rglob("*") if path.is_file()}


@pytest.mark.usefixtures("databases")
def test_a_lived_month_and_its_export_close_to_the_same_bytes(
    tmp_path: Path, database_template: str, request: pytest.FixtureRequest
) -> None:
    with time_machine.travel(at("07-01 09:00"), tick=False) as traveller:
        stage = stages.build(traveller)
        lived = live(stage)
        assert [dispatch.status for dispatch in lived].count(Status.APPROVED) == 8
        export_folder(tmp_path / "exported")
        first = close(tmp_path / "lived")
        assert PayoutRun.objects.get().dispatch_count == 6
    # the suite's own way to a database of one's own, for the second one
    clones = request.config.pluginmanager.get_plugin(str(Path(__file__).parent.parent / "conftest.py"))
    here = connections["default"].settings_dict["NAME"]
    name = f"{here}_b"
    clones._clone(database_template, name)
    clones._point_to(name)
    try:
        with time_machine.travel(at("08-02 09:00"), tick=False):
            result = load_folder(tmp_path / "exported", actor=SYSTEM)
            assert result.ok, list(result.problems)
            with acting(SYSTEM, "stage"):
                User.objects.create(username="tanto", role=Role.OFFICE_OPERATOR)
                User.objects.create(username="shonin", role=Role.OFFICE_APPROVER)
            export_folder(tmp_path / "again")
            second = close(tmp_path / "loaded")
    finally:
        clones._point_to(here)
        clones._drop(name)
    for file in (tmp_path / "exported").iterdir():
        assert (tmp_path / "again" / file.name).read_bytes() == file.read_bytes(), file.name
    assert sorted(first) == sorted(second)
    for file_name, content in first.items():
        assert second[file_name] == content, file_name
