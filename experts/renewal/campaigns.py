"""Preparing the renewal of a year end and setting its days (A8)."""

import datetime as dt
from collections.abc import Iterable
from typing import Final

from django.db import IntegrityError, transaction

from accounts.models import User
from accounts.rights import require
from core import clock
from core.audit.acting import acting
from core.errors import DomainError, FieldErrors
from core.japan.calendar import fiscal_year_end, long_date
from rules.dates import fiscal_year

from .models import Campaign

ACT: Final = "handle_renewal"
State = Campaign.State
MOST_REMINDERS: Final = 5
LONGEST_MESSAGE: Final = 1000
# Answers may be waited for so long after the year has ended.
AFTER_YEAR_END: Final = dt.timedelta(days=30)
# Until so long after it a year end can still be worked on.
LATE: Final = dt.timedelta(days=90)


def years_to_renew(today: dt.date | None = None) -> list[int]:
    """The fiscal years whose end may be worked on: the current one, and the last one for some weeks. One query."""
    today = today or clock.today()
    year = fiscal_year(today)
    years = [year - 1, year] if today <= fiscal_year_end(year - 1) + LATE else [year]
    taken = set(Campaign.objects.filter(fiscal_year__in=years).values_list("fiscal_year", flat=True))
    return [each for each in years if each not in taken]


def check_days(
    year: int, answer_by: dt.date, remind_on: Iterable[dt.date], today: dt.date | None = None
) -> dict[str, str]:
    """What is wrong with the days of a campaign, by field."""
    today = today or clock.today()
    problems: dict[str, str] = {}
    latest = fiscal_year_end(year) + AFTER_YEAR_END
    if not today < answer_by <= latest:
        problems["answer_by"] = (
            f"回答期限は、明日から {long_date(latest)} までの日にしてください（いまは {long_date(answer_by)}）。"
        )
    days = list(remind_on)
    if len(days) > MOST_REMINDERS:
        problems["remind_on"] = f"督促日は{MOST_REMINDERS}日までです（いまは{len(days)}日）。"
    elif wrong := [day for day in days if day > answer_by]:
        problems["remind_on"] = f"督促日は回答期限までの日にしてください（{long_date(wrong[0])} は後です）。"
    return problems


def prepare_campaign(
    *,
    fiscal_year: int,
    answer_by: dt.date,
    remind_on: Iterable[dt.date],
    message: str,
    actor: User,
) -> Campaign:
    """Begins the renewal of a year end; nobody is asked yet. FieldErrors; DomainError while another one is open."""
    require(actor, ACT)
    days = sorted(set(remind_on))
    if fiscal_year not in years_to_renew():
        raise DomainError(
            f"{fiscal_year}年度末の更新は、いまは始められません。既に行ったか、時期が違います。"
            "登録の更新の一覧をご確認ください。",
            code="year",
        )
    problems = check_days(fiscal_year, answer_by, days)
    if early := [day for day in days if day <= clock.today()]:
        problems.setdefault("remind_on", f"督促日は明日以後にしてください（{long_date(early[0])}）。")
    message = _checked_message(message, problems)
    if problems:
        raise FieldErrors(problems)
    try:
        with acting(actor, "prepare_renewal"), transaction.atomic():
            return Campaign.objects.create(
                fiscal_year=fiscal_year,
                answer_by=answer_by,
                remind_on=days,
                message=message,
                prepared_by=actor,
            )
    except IntegrityError:
        raise DomainError(
            "締め切っていない更新が、ほかにあります。一度に行えるのは一つだけです。その更新を締め切ってから始めてください。",
            code="open",
        ) from None


def change_campaign(
    *,
    campaign: Campaign,
    answer_by: dt.date,
    remind_on: Iterable[dt.date],
    message: str,
    version: int,
    actor: User,
) -> Campaign:
    """Sets days and words anew, until the campaign is closed. Days of reminders that were sent stay as they are."""
    require(actor, ACT)
    with acting(actor, "change_renewal"):
        row = locked(campaign, version)
        gone = {day for day in row.remind_on if day <= clock.today()}
        days = sorted(gone | set(remind_on))
        problems = check_days(row.fiscal_year, answer_by, days)
        if early := [day for day in days if day <= clock.today() and day not in gone]:
            problems.setdefault("remind_on", f"督促日は明日以後にしてください（{long_date(early[0])}）。")
        message = _checked_message(message, problems)
        if problems:
            raise FieldErrors(problems)
        row.answer_by, row.remind_on, row.message = answer_by, days, message
        row.version += 1
        row.save(update_fields=["answer_by", "remind_on", "message", "version"])
        return row


def locked(campaign: Campaign, version: int | None = None) -> Campaign:
    """The campaign, locked, when it isn't closed and (with a version) still the one a page showed."""
    row = Campaign.objects.select_for_update(of=("self",)).get(pk=campaign.pk)
    if row.state == State.CLOSED:
        raise DomainError(
            f"{row} は {long_date(clock.jst(row.closed_at).date())} に締め切りました。変更できません。",  # type: ignore[arg-type]
            code="closed",
        )
    if version is not None and row.version != version:
        raise DomainError(
            "この更新の予定は、別の画面で変わりました。画面を開き直して、いまの内容をご確認ください。",
            code="stale",
        )
    return row


def _checked_message(message: str, problems: dict[str, str]) -> str:
    message = message.replace("\r\n", "\n").strip()
    if len(message) > LONGEST_MESSAGE:
        problems["message"] = (
            f"案内の文は{LONGEST_MESSAGE:,}文字以内にしてください（いまは{len(message):,}文字）。"
        )
    return message
