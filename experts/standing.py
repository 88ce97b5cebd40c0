"""Whether an expert is registered on a day, and how a registration ends and begins again (A8).

`Expert.valid_until` is the last day on which the expert may be dispatched; none means no end. Ending a registration
changes nothing about dispatches that were agreed before: they go on and are paid, and the account stays.
"""

import datetime as dt
from collections.abc import Iterable
from typing import Final

from django.db.models import Q

from core import clock
from core.audit.acting import Actor, acting
from core.errors import DomainError, NotAllowed

from .models import Expert, ExpertQuerySet, Merge

ACT: Final = "end_registration"
RESTORE: Final = "restore_registration"
LONGEST_REASON: Final = 200
# Farther ahead or back than this is a slip of the year.
_FARTHEST: Final = dt.timedelta(days=366)


def is_active_on(expert: Expert, day: dt.date) -> bool:
    """Whether the expert may be dispatched on a day of Japan; the last day itself still counts."""
    return expert.valid_until is None or expert.valid_until >= day


def registered(day: dt.date) -> Q:
    """The condition of `is_active_on` for a query about experts."""
    return Q(valid_until=None) | Q(valid_until__gte=day)


def active_on(experts: ExpertQuerySet, day: dt.date) -> ExpertQuerySet:
    """Those among `experts` who may be dispatched on a day of Japan."""
    return experts.filter(registered(day))


def require_may_end(actor: Actor) -> None:
    """Raises NotAllowed unless the person may end and restore registrations; the system may."""
    may = getattr(actor, "may", None)
    if may is not None and not (answer := may(ACT)).allowed:
        raise NotAllowed(answer.reason)


def _checked_reason(reason: str, what: str) -> str:
    reason = " ".join(reason.split())
    if not reason:
        raise DomainError(f"{what}の理由がありません。理由を入力してください。", code="reason")
    if len(reason) > LONGEST_REASON:
        raise DomainError(
            f"理由は{LONGEST_REASON}文字以内にしてください（いまは{len(reason)}文字）。", code="reason"
        )
    return reason


def end_registration(*, expert: Expert, last_day: dt.date, reason: str, actor: Actor) -> Expert:
    """Ends one registration with a day, with a reason that stays with it. Dispatches on their way aren't touched.

    Refuses one that has ended already or has an end, a day more than a year away, and an empty reason.
    """
    require_may_end(actor)
    reason = _checked_reason(reason, "登録の終了")
    if abs(last_day - clock.today()) > _FARTHEST:
        raise DomainError("最後の日は、今日から前後1年以内の日にしてください。", code="last_day")
    with acting(actor, ACT, reason):
        row = Expert.objects.select_for_update(of=("self",)).get(pk=expert.pk)
        if row.valid_until is not None:
            raise DomainError(
                f"{row.name} さんの登録の終わりは、既に {_words(row.valid_until)} と決まっています。"
                "日を変えるときは、いちど登録を戻してください。",
                code="ended",
            )
        row.valid_until, row.ended_reason = last_day, reason
        row.save(update_fields=["valid_until", "ended_reason", "updated_at"])
        return row


def end_registrations(*, experts: Iterable[int], last_day: dt.date, reason: str, actor: Actor) -> int:
    """Ends many registrations (ids) at once; those with an end already keep it. Answers how many were ended.

    Inside the caller's transaction; the caller's act is what the history names.
    """
    require_may_end(actor)
    return Expert.objects.filter(pk__in=list(experts), valid_until=None).update(
        valid_until=last_day, ended_reason=_checked_reason(reason, "登録の終了"), updated_at=clock.now()
    )


def restore_registration(*, expert: Expert, reason: str, actor: Actor) -> Expert:
    """Takes the end of a registration back; the history keeps when and why it had ended.

    Refuses one that has no end, one that was merged into another, and an empty reason.
    """
    require_may_end(actor)
    reason = _checked_reason(reason, "登録を戻すこと")
    with acting(actor, RESTORE, reason):
        row = Expert.objects.select_for_update(of=("self",)).get(pk=expert.pk)
        if row.valid_until is None:
            raise DomainError(
                f"{row.name} さんの登録は続いています。戻す必要はありません。画面を開き直してご確認ください。",
                code="active",
            )
        if merge := Merge.objects.select_related("kept").filter(double=row).first():
            raise DomainError(
                f"{row.name} さんのこの登録は {merge.kept.code} に統合されたため、戻せません。"
                f"{merge.kept.code} の登録をご確認ください。",
                code="merged",
            )
        row.valid_until, row.ended_reason = None, ""
        row.save(update_fields=["valid_until", "ended_reason", "updated_at"])
        return row


def _words(day: dt.date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"
