"""The end of a renewal: exceptions, what closing would do, and closing (A8).

Whoever declined or did not answer is registered until the year's last day. Nothing else ends: dispatches that were agreed
go on and are paid, and the account stays.
"""

import hashlib
from dataclasses import dataclass
from typing import Final

from django.db.models import QuerySet

from accounts.models import User
from accounts.rights import require
from core import clock
from core.audit.acting import acting
from core.errors import DomainError
from core.japan.calendar import long_date
from core.notify.bulk import Letter, queue_mails
from core.notify.services import close_tasks
from experts.standing import ACT as END
from experts.standing import LONGEST_REASON, end_registrations

from .campaigns import ACT, State, locked
from .models import Ask, Campaign, Link
from .sending import PAGE, TASK, task_object


@dataclass(frozen=True, slots=True)
class Closing:
    """What closing does now: counts, and a mark by which a page proves that it showed this very list."""

    declined: int
    silent: int
    renewed: int
    exempt: int
    ended: int
    mark: str

    @property
    def retiring(self) -> int:
        """How many registrations end."""
        return self.declined + self.silent


def why_not_closable(campaign: Campaign, silent: int) -> str:
    """Why the campaign can't be closed now; empty when it can."""
    if campaign.state == State.CLOSED:
        return "この更新は、既に締め切っています。"
    if campaign.state == State.PREPARING:
        return "まだ案内を送っていません。案内を送り、回答を待ってから締め切ってください。"
    if campaign.waves.filter(done_at=None).exists():
        return "送信の途中です。メールの送信が終わってから締め切ってください。"
    if silent and clock.today() <= campaign.answer_by:
        return (
            f"回答期限（{long_date(campaign.answer_by)}）までは、未回答の人がいる間は締め切れません"
            f"（いま {silent:,}人が未回答です）。期限の翌日から締め切れます。"
        )
    return ""


def retirees(campaign: Campaign) -> QuerySet[Ask]:
    """Whose registration closing ends: declined or silent, no exception, and no end set already."""
    return Ask.objects.filter(
        campaign=campaign, answer__in=["", "decline"], exempt_reason="", expert__valid_until=None
    )


def preview(campaign: Campaign) -> Closing:
    """What closing would do now. One query."""
    rows = Ask.objects.filter(campaign=campaign).order_by("pk")
    return _closing(list(rows.values_list("pk", "answer", "exempt_reason", "expert__valid_until")))


_NAMES: Final = {"": "silent", "renew": "renewed", "decline": "declined"}


def _closing(rows: list[tuple[int, str, str, object]]) -> Closing:
    counts = dict.fromkeys(("declined", "silent", "renewed", "exempt", "ended"), 0)
    digest = hashlib.sha256()
    for pk, answer, exempt_reason, valid_until in rows:
        name = _NAMES[answer]
        if name != "renewed" and valid_until is not None:
            name = "ended"
        elif name != "renewed" and exempt_reason:
            name = "exempt"
        counts[name] += 1
        if name in ("declined", "silent"):
            digest.update(f"{pk}:{answer};".encode())
    return Closing(**counts, mark=digest.hexdigest())


def exempt(*, ask: Ask, reason: str, version: int, actor: User) -> Ask:
    """Keeps a registration though it wasn't renewed, with a reason. An empty reason takes the exception back."""
    require(actor, ACT)
    reason = " ".join(reason.split())
    if len(reason) > LONGEST_REASON:
        raise DomainError(f"例外の理由は{LONGEST_REASON}文字以内で入れてください。", code="reason")
    with acting(actor, "exempt_renewal", reason):
        row = Ask.objects.select_for_update(of=("self",)).get(pk=ask.pk)
        campaign = Campaign.objects.get(pk=row.campaign_id)
        if campaign.state != State.ASKING:
            raise DomainError(
                f"{campaign}は締め切りました。登録を続けるときは、「登録を戻す」をお使いください。",
                code="closed",
            )
        if row.version != version:
            raise DomainError(
                "この人の回答または例外は、別の画面で変わりました。いまの内容をご確認ください。", code="stale"
            )
        if reason and row.answer == Ask.Answer.RENEW:
            raise DomainError("この人は更新すると回答しています。例外は要りません。", code="reason")
        if not reason and not row.is_exempt:
            raise DomainError("例外の理由がありません。理由を入力してください。", code="reason")
        row.exempt_reason, row.exempt_by = reason, actor if reason else None
        row.version += 1
        row.save(update_fields=["exempt_reason", "exempt_by", "version"])
        return row


def close_campaign(*, campaign: Campaign, mark: str, actor: User) -> Campaign:
    """Closes the renewal: ends the registrations of the preview with this `mark`, tells them by mail, ends links and tasks.

    DomainError when it can't be closed yet, or when answers or exceptions have changed since the preview. Closed
    already: answers it as it is.
    """
    require(actor, END)
    with acting(actor, "close_renewal", str(campaign)):
        now = Campaign.objects.select_for_update(of=("self",)).get(pk=campaign.pk)
        if now.state == State.CLOSED:
            return now
        row = locked(now)
        # answers take the lock of their ask: none comes between this and the commit
        list(
            Ask.objects.select_for_update(of=("self",)).filter(campaign=row).order_by("pk").values_list("pk")
        )
        found = preview(row)
        if why_not := why_not_closable(row, found.silent):
            raise DomainError(why_not, code="not_yet")
        if found.mark != mark:
            raise DomainError(
                "確認の画面を開いた後に、回答または例外が変わりました。"
                f"いま登録が終わるのは {found.retiring:,}人です。名簿をもう一度確かめてから締め切ってください。",
                code="changed",
            )
        _retire(row, actor)
        row.state, row.closed_by, row.closed_at = State.CLOSED, actor, clock.now()
        row.save(update_fields=["state", "closed_by", "closed_at"])
        return row


def _retire(row: Campaign, actor: User) -> None:
    leaving = list(retirees(row).select_related("expert").order_by("pk"))
    for answer, words in (("decline", "本人が更新しないと回答"), ("", "期限までに更新の回答なし")):
        end_registrations(
            experts=[ask.expert_id for ask in leaving if ask.answer == answer],
            last_day=row.last_day,
            reason=f"{row.fiscal_year}年度末の更新: {words}",
            actor=actor,
        )
    asks = Ask.objects.filter(campaign=row)
    ids = [ask.pk for ask in leaving]
    asks.filter(answer="renew").update(outcome=Ask.Outcome.RENEWED)
    asks.filter(pk__in=ids).update(outcome=Ask.Outcome.RETIRED)
    asks.filter(outcome="").exclude(exempt_reason="").update(outcome=Ask.Outcome.EXEMPT)
    asks.filter(outcome="").update(outcome=Ask.Outcome.ENDED)
    Link.objects.filter(ask__campaign=row, ended_at=None).update(ended_at=clock.now())
    close_tasks(code=TASK, object=task_object(row), actor=actor)
    queue_mails(
        template="renewal_ended",
        letters=(
            Letter(
                ask.expert.email,
                {
                    "name": ask.expert.name,
                    "year": row.fiscal_year,
                    "last_day": long_date(row.last_day),
                    "declined": ask.answer == "decline",
                    "page": PAGE,
                },
                f"renewal-ended:{row.fiscal_year}:{ask.expert.code}",
            )
            for ask in leaving
        ),
        actor=actor,
    )
