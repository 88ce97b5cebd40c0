"""What the close refuses: one clear line, and nothing has changed."""

import datetime as dt
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import time_machine
from closing import JULY, PAY_DATE, approved_july, checker, computed_july, contents, load, maker, person
from django.core.management import call_command
from django.db import connection

from accounts.models import Role
from core.clock import from_jst
from core.errors import DomainError
from payments.models import Payer, PayoutRun
from payments.services import (
    approve_run,
    close_run,
    compute_run,
    draft_run,
    drop_run,
    export_run,
    mark_transferred,
)

pytestmark = pytest.mark.django_db


def footprint() -> tuple[Any, ...]:
    """What a refusal must leave as it was."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT json_agg(r ORDER BY id) FROM payments_payoutrun r)::text,"
            " (SELECT count(*) FROM payments_payoutline), (SELECT count(*) FROM payments_runfile),"
            " (SELECT json_agg(DISTINCT status) FROM dispatch_dispatch)::text"
        )
        return tuple(cursor.fetchone())


def refused(output: Path, *words: str, **changes: Any) -> None:
    """Calls the command with one thing wrong and expects a line with these words, and no trace."""
    arguments: dict[str, Any] = {
        "maker": maker().username,
        "checker": checker().username,
        "pay_date": "2021-08-25",
        "output": str(output),
    }
    month = changes.pop("month", "2021-07")
    arguments.update(changes)
    before, files = footprint(), sorted(output.rglob("*")) if output.exists() else None
    with pytest.raises(DomainError) as refusal:
        call_command("close_month", month, **arguments)
    for word in words:
        assert word in refusal.value.message
    assert "\n" not in refusal.value.message
    assert footprint() == before
    assert (sorted(output.rglob("*")) if output.exists() else None) == files
    assert not list(output.parent.glob(".*.partial"))


def test_one_person_cannot_be_maker_and_checker(tmp_path: Path) -> None:
    load("2021-07")
    refused(tmp_path / "out", "同じ", maker=checker().username)


@pytest.mark.parametrize("role", [Role.OFFICE_ADMIN, Role.AGENCY_VIEWER, Role.EXPERT])
def test_a_maker_needs_the_right(tmp_path: Path, role: Role) -> None:
    load("2021-07")
    refused(tmp_path / "out", "作成できるのは", maker=person("other", role).username)


@pytest.mark.parametrize("role", [Role.OFFICE_OPERATOR, Role.OFFICE_ADMIN, Role.INSTITUTION_CHIEF])
def test_a_checker_needs_the_right(tmp_path: Path, role: Role) -> None:
    load("2021-07")
    refused(tmp_path / "out", "承認できるのは", checker=person("other", role).username)


def test_somebody_who_has_left_has_no_right(tmp_path: Path) -> None:
    load("2021-07")
    gone = person("gone", Role.OFFICE_APPROVER)
    gone.is_active = False
    gone.save()
    refused(tmp_path / "out", "停止", checker="gone")


def test_an_unknown_person_is_named(tmp_path: Path) -> None:
    load("2021-07")
    refused(tmp_path / "out", "nobody", maker="nobody")


@pytest.mark.parametrize("day", ["2021-08-28", "2021-08-29", "2021-08-09", "2021-12-31", "2022-01-03"])
def test_a_day_on_which_banks_are_closed(tmp_path: Path, day: str) -> None:
    load("2021-07")
    refused(tmp_path / "out", "営業日ではありません", pay_date=day)


def test_the_last_pay_date_of_the_year_is_the_31st_of_march(tmp_path: Path) -> None:
    load("2021-07")
    refused(tmp_path / "out", "2022年3月31日", pay_date="2022-04-01")
    call_command(
        "close_month",
        "2021-07",
        maker=maker().username,
        checker=checker().username,
        pay_date="2022-03-31",
        output=str(tmp_path / "out"),
    )
    assert PayoutRun.objects.get().pay_date == dt.date(2022, 3, 31)


@time_machine.travel(dt.datetime(2021, 7, 31, 14, 59, tzinfo=dt.UTC), tick=False)
def test_a_month_is_open_until_its_last_moment_in_japan(tmp_path: Path) -> None:
    load("2021-07")
    refused(tmp_path / "out", "まだ終わっていない")


@time_machine.travel(dt.datetime(2021, 7, 31, 15, 0, tzinfo=dt.UTC), tick=False)
def test_a_month_is_closed_from_the_first_moment_of_the_next_in_japan(tmp_path: Path) -> None:
    load("2021-07")
    draft = draft_run(month=JULY, pay_date=PAY_DATE, actor=maker())
    assert draft.cutoff == from_jst(dt.datetime(2021, 8, 1))


@time_machine.travel(dt.datetime(2021, 7, 20, 3, 0, tzinfo=dt.UTC), tick=False)
def test_an_open_month_can_be_cut_off_but_not_in_the_future(tmp_path: Path) -> None:
    load("2021-07")
    refused(tmp_path / "out", "まだ来ていません", cutoff="2021-07-20 12:01")
    refused(tmp_path / "out", "以前", cutoff="2021-08-01 00:01")
    call_command(
        "close_month",
        "2021-07",
        maker=maker().username,
        checker=checker().username,
        pay_date="2021-08-25",
        output=str(tmp_path / "out"),
        cutoff="2021-07-20 00:00",
    )


def test_nothing_to_pay_names_the_run_that_closed_the_month(tmp_path: Path) -> None:
    load("2021-07")
    approved_july()
    export_run(run=PayoutRun.objects.get(), directory=tmp_path / "first", actor=maker())
    refused(tmp_path / "out", "支払えるものはありません", "2021-07", "2021年8月25日")


def test_nothing_to_pay_in_a_month_without_dispatches(tmp_path: Path) -> None:
    load("2021-07")
    refused(tmp_path / "out", "支払えるものがありません", month="2021-04", pay_date="2021-05-25")


def test_a_folder_with_another_runs_files_is_left_alone(tmp_path: Path) -> None:
    load("edges/stage1")
    approved_july()
    export_run(run=PayoutRun.objects.get(), directory=tmp_path / "out", actor=maker())
    load("edges/stage2")
    refused(tmp_path / "out", "2021-07 のファイル", pay_date="2021-08-31")


def test_a_folder_with_files_of_unknown_origin_is_left_alone(tmp_path: Path) -> None:
    load("2021-07")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "payouts.csv").write_text("somebody else's")
    refused(tmp_path / "out", "空のフォルダー")


def test_a_file_in_place_of_the_folder(tmp_path: Path) -> None:
    load("2021-07")
    (tmp_path / "out").write_text("")
    refused(tmp_path / "out", "ファイルです")


def test_an_empty_folder_is_used_as_it_is(tmp_path: Path) -> None:
    load("2021-07")
    (tmp_path / "out").mkdir(mode=0o750)
    before = (tmp_path / "out").stat()
    approved_july()
    export_run(run=PayoutRun.objects.get(), directory=tmp_path / "out", actor=maker())
    assert json.loads((tmp_path / "out" / "summary.json").read_text())["run"] == "2021-07"
    after = (tmp_path / "out").stat()
    assert (after.st_ino, after.st_mode) == (before.st_ino, before.st_mode)


def test_an_interrupted_move_into_a_folder_is_completed(tmp_path: Path) -> None:
    load("2021-07")
    approved_july()
    export_run(run=PayoutRun.objects.get(), directory=tmp_path / "whole", actor=maker())
    (tmp_path / "out").mkdir()
    shutil.copy(tmp_path / "whole" / "summary.json", tmp_path / "out")
    export_run(run=PayoutRun.objects.get(), directory=tmp_path / "out", actor=maker())
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


def test_files_of_the_same_name_from_another_installation_are_left_alone(tmp_path: Path) -> None:
    load("2021-07")
    approved_july()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "summary.json").write_text('{"run": "2021-07"}')
    with pytest.raises(DomainError, match="内容の異なる"):
        export_run(run=PayoutRun.objects.get(), directory=tmp_path / "out", actor=maker())
    assert contents(tmp_path / "out") == {"summary.json": b'{"run": "2021-07"}'}


def test_a_folder_that_cannot_be_made_is_told_before_anything_is_done(tmp_path: Path) -> None:
    load("2021-07")
    (tmp_path / "file").write_text("")
    refused(tmp_path / "file" / "out", "書き込めません")


def test_another_months_open_run_is_in_the_way(tmp_path: Path) -> None:
    load("2021-07")
    draft_run(month=dt.date(2021, 6, 1), pay_date=dt.date(2021, 7, 26), actor=maker(), past_allowed=True)
    refused(tmp_path / "out", "2021-06", "下書き")


def test_without_a_payer_nothing_can_be_paid(tmp_path: Path) -> None:
    refused(tmp_path / "out", "委託者")


def test_a_payer_whose_name_the_bank_refuses(tmp_path: Path) -> None:
    load("2021-07")
    Payer.objects.update(kana="漢字事務局")
    refused(tmp_path / "out", "委託者", "漢")


def test_production_takes_no_two_persons_on_one_line(tmp_path: Path, settings: Any) -> None:
    load("2021-07")
    settings.ALLOW_BATCH_CLOSE = False
    refused(tmp_path / "out", "--export-approved")


def test_production_exports_what_was_approved_on_the_screen(tmp_path: Path, settings: Any) -> None:
    load("2021-07")
    settings.ALLOW_BATCH_CLOSE = False
    approved_july()
    call_command("close_month", "2021-07", export_approved=True, output=str(tmp_path / "out"))
    assert PayoutRun.objects.get().status == PayoutRun.Status.EXPORTED
    assert (tmp_path / "out" / "zengin.txt").exists()


def test_only_approved_runs_are_exported(tmp_path: Path) -> None:
    load("2021-07")
    run = computed_july()
    with pytest.raises(DomainError, match="承認されていない"):
        export_run(run=run, directory=tmp_path / "out", actor=maker())
    with pytest.raises(DomainError, match="承認済みの月次支払がありません"):
        call_command("close_month", "2021-07", export_approved=True, output=str(tmp_path / "out"))


@pytest.mark.parametrize("month", ["2021-13", "2021", "７月", "2021-07-01"])
def test_a_month_that_is_none(tmp_path: Path, month: str) -> None:
    refused(tmp_path / "out", "対象月", month=month)


def test_the_screen_refuses_a_pay_date_that_is_past() -> None:
    load("2021-07")
    with pytest.raises(DomainError, match="過ぎています"):
        draft_run(month=JULY, pay_date=PAY_DATE, actor=maker())


def test_one_run_at_a_time_is_prepared() -> None:
    load("2021-07")
    computed_july()
    with pytest.raises(DomainError, match="2021-07"):
        draft_run(month=JULY, pay_date=PAY_DATE, actor=maker(), past_allowed=True)


def test_the_maker_cannot_approve_even_with_the_right() -> None:
    load("2021-07")
    run = draft_run(month=JULY, pay_date=PAY_DATE, actor=checker(), past_allowed=True)
    run = compute_run(run=run, actor=checker())
    with pytest.raises(DomainError, match="別の承認者"):
        approve_run(run=run, actor=checker())


def test_a_draft_that_is_not_computed_cannot_be_approved() -> None:
    load("2021-07")
    run = draft_run(month=JULY, pay_date=PAY_DATE, actor=maker(), past_allowed=True)
    with pytest.raises(DomainError, match="計算が終わった"):
        approve_run(run=run, actor=checker())


def test_a_run_that_pays_nobody_cannot_be_approved() -> None:
    load("2021-07")
    april = draft_run(
        month=dt.date(2021, 4, 1), pay_date=dt.date(2021, 5, 25), actor=maker(), past_allowed=True
    )
    april = compute_run(run=april, actor=maker())
    with pytest.raises(DomainError, match="支払がありません"):
        approve_run(run=april, actor=checker())


def test_an_approved_run_is_neither_computed_again_nor_dropped() -> None:
    load("2021-07")
    run = approved_july()
    with pytest.raises(DomainError, match="計算し直せません"):
        compute_run(run=run, actor=maker())
    with pytest.raises(DomainError, match="破棄できません"):
        drop_run(run=run, actor=maker())


def test_a_run_is_transferred_after_its_export_and_then_closed(tmp_path: Path) -> None:
    load("2021-07")
    run = approved_july()
    with pytest.raises(DomainError, match="出力済"):
        mark_transferred(run=run, actor=maker())
    export_run(run=run, directory=tmp_path / "out", actor=maker())
    with pytest.raises(DomainError, match="振込済"):
        close_run(run=run, actor=maker())
    mark_transferred(run=run, actor=maker())
    run = close_run(run=run, actor=maker())
    assert run.status == PayoutRun.Status.CLOSED
    paid = set(run.lines.values_list("dispatch__status", flat=True))
    assert paid == {"paid"}


def test_a_dropped_draft_leaves_nothing_and_its_name_is_used_again() -> None:
    load("2021-07")
    run = computed_july()
    drop_run(run=run, actor=maker())
    assert footprint()[:2] == (None, 0)
    assert computed_july().name == "2021-07"
