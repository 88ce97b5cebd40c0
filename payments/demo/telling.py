"""Tells the story in the database: loads it through the exchange, pays the closed months through their services."""

from __future__ import annotations

import csv
import io
from datetime import date
from typing import BinaryIO, Final

from django.conf import settings
from django.db import transaction

from accounts.models import User
from core import clock
from core.audit.acting import SYSTEM, acting
from core.errors import DomainError
from core.exchange.services import load_files
from core.japan.calendar import fiscal_year_name, fiscal_year_start
from core.programme.models import RuleSet
from core.programme.services import save_rule_set
from dispatch.models import Company, Dispatch
from experts.models import Expert
from institutions.models import Institution
from rules.ruleset import builtin

from ..models import Payer, PayoutRun
from ..services import approve_run, close_run, compute_run, draft_run, export_run, mark_transferred
from ..services.assessment import check_month
from . import logins
from .calendar import Calendar, Closing
from .people_at_work import live_the_first_day
from .rows import Row
from .story import Story, story
from .the_year import live_the_year

# What somebody else's data would be in.
_BUSINESS: Final = (Institution, Expert, Company, Dispatch, Payer, PayoutRun)
# 令和 N年度 is the fiscal year N + 2018.
_REIWA: Final = 2018


def told_on() -> date | None:
    """The day the story in this database was begun on; None when there is none."""
    begun = User.objects.filter(username=logins.OPERATOR.username).first()
    return None if begun is None else clock.jst(begun.date_joined).date()


def tell() -> bool:
    """Makes the story of the demonstration, or finishes one that was interrupted; answers whether anything was left.

    DomainError where the demonstration is not allowed and where business data of somebody else exist.
    """
    if not settings.DEMO_DATA_ALLOWED:
        raise DomainError("この環境ではデモのデータを作成できません（設定 DEMO_DATA_ALLOWED）。")
    day = told_on()
    if day is None:
        _refuse_foreign_data()
        day = clock.today()
    elif logins.exists(logins.AGENCY):
        return False
    told = story(day)
    if not logins.exists(logins.OPERATOR):
        _begin(told)
    _pay(told.calendar)
    check_month()
    # The last step: whoever finds these logins finds a whole story.
    with transaction.atomic():
        logins.add_people_outside(told.institution_code, told.expert_code)
        live_the_first_day(told.institution_code)
        live_the_year(told.institution_code)
    check_month()
    return True


def _refuse_foreign_data() -> None:
    for model in _BUSINESS:
        if model._default_manager.exists():
            raise DomainError(
                f"このデータベースには既に業務データ（{model._meta.verbose_name}）があります。"
                "デモのデータは、業務データのない空のデータベースにだけ作成できます。"
            )


def _begin(told: Story) -> None:
    """The office's logins, the rule sets and all registers: one transaction, so that it is there or not."""
    with acting(SYSTEM, "demo_data"):
        for login in (logins.OPERATOR, logins.APPROVER, logins.ADMINISTRATOR):
            logins.add(login)
        for year in told.calendar.fiscal_years:
            _add_rule_set(year, logins.account(logins.ADMINISTRATOR))
        files: dict[str, BinaryIO] = {name: _file(rows) for name, rows in told.tables.items() if rows}
        result = load_files(files, actor=logins.account(logins.OPERATOR), source="デモのデータ")
        if not result.ok:
            first = result.errors[0]
            raise DomainError(
                f"デモのデータを読み込めません: {first.file} {first.line}行 {first.column}「{first.value}」 {first.reason}"
            )


def _add_rule_set(year: int, administrator: User) -> None:
    """The first rule set's values for another fiscal year, unless that year has some already."""
    first, end = fiscal_year_start(year), fiscal_year_start(year + 1)
    if RuleSet.objects.filter(valid__overlap=(first, end)).exists():
        return
    save_rule_set(
        code=f"R{year - _REIWA}",
        name=fiscal_year_name(year),
        first_day=first,
        end_day=end,
        values=builtin("R3").values,
        actor=administrator,
    )


def _file(rows: list[Row]) -> io.BytesIO:
    """The rows as an exchange file."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return io.BytesIO(text.getvalue().encode("utf-8-sig"))


def _pay(plan: Calendar) -> None:
    """Every closed month is paid; all but the newest of them are closed for good."""
    for closing in plan.closings:
        last = PayoutRun.Status.TRANSFERRED if closing == plan.closings[-1] else PayoutRun.Status.CLOSED
        _pay_month(closing, last)


def _pay_month(closing: Closing, last: PayoutRun.Status) -> None:
    """Takes the month's run from where it stands to `last`, each step by the person whose step it is."""
    operator, approver = logins.account(logins.OPERATOR), logins.account(logins.APPROVER)
    run = PayoutRun.objects.filter(month=closing.month, ordinal=1).first()
    if run is None:
        run = draft_run(month=closing.month, pay_date=closing.pay_date, actor=operator, past_allowed=True)
    if run.status == PayoutRun.Status.DRAFT:
        run = compute_run(run=run, actor=operator)
    if run.status == PayoutRun.Status.COMPUTED:
        run = approve_run(run=run, actor=approver)
    if run.status == PayoutRun.Status.APPROVED:
        run = export_run(run=run, actor=operator)
    if run.status == PayoutRun.Status.EXPORTED:
        run = mark_transferred(run=run, actor=operator)
    if run.status == PayoutRun.Status.TRANSFERRED and last == PayoutRun.Status.CLOSED:
        close_run(run=run, actor=operator)
