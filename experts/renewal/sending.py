"""The mails of a renewal: the first question and the reminders, each a wave, queued by one job.

A wave is one transaction: killed or cancelled in the middle nobody is mailed, run again everybody is, and nobody twice.
"""

import hashlib
import secrets
from collections.abc import Iterable, Iterator
from typing import Any, Final

from django.conf import settings
from django.db import IntegrityError, transaction

from accounts.models import User
from accounts.rights import require
from core import clock
from core.audit.acting import SYSTEM, Actor, acting
from core.errors import DomainError
from core.japan.calendar import long_date
from core.jobs.progress import Progress
from core.jobs.services import queue_job
from core.notify.bulk import Letter, open_tasks, queue_mails
from experts.models import Expert

from .campaigns import ACT, State, locked
from .models import Ask, Campaign, Link, Wave

KIND: Final = "send_renewal"
TASK: Final = "renewal_answer"
PAGE: Final = "/expert/renewal/"
_BATCH: Final = 500


def token_hash(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def task_object(campaign: Campaign) -> str:
    """How tasks name the campaign."""
    return f"renewal:{campaign.fiscal_year}"


def start_campaign(*, campaign: Campaign, version: int, key: str, actor: User) -> Wave:
    """Queues the question to every registered expert. Pressed twice, it is one job; a job that ended is begun anew."""
    require(actor, ACT)
    with acting(actor, "send_renewal"):
        wave = campaign.waves.filter(number=0).first()
        if wave is not None:
            return _again(wave, actor)
        row = locked(campaign, version)
        # somebody else's press may have waited for the same lock
        wave = row.waves.filter(number=0).first()
        if wave is not None:
            return _again(wave, actor)
        _require_time_left(row)
        return _new_wave(row, 0, key, actor)


def remind(*, campaign: Campaign, key: str, actor: User) -> Wave:
    """Queues a reminder to whoever has not answered. The same `key` answers the first wave again."""
    require(actor, ACT)
    with acting(actor, "remind_renewal"):
        row = locked(campaign)
        again = row.waves.filter(key=key).first()
        if again is not None:
            return again
        _require_remindable(row)
        _require_time_left(row)
        if not _silent(row).exists():
            raise DomainError("未回答の人はいません。督促は要りません。", code="nobody")
        return _new_wave(row, row.waves.count(), key, actor)


def remind_on_days() -> int:
    """For the timer: begins the reminder of a day that has come, once; answers how many were begun.

    Of several days missed while nothing ran, the last one counts.
    """
    today = clock.today()
    begun = 0
    for campaign in Campaign.objects.filter(state=State.ASKING):
        due = [day for day in campaign.remind_on if day <= today]
        if not due or today > campaign.answer_by:
            continue
        day = max(due)
        try:
            with acting(SYSTEM, "remind_renewal"):
                row = locked(campaign)
                planned = row.waves.filter(planned_on__gte=day).exists()
                if planned or row.waves.filter(done_at=None).exists() or not _silent(row).exists():
                    continue
                _new_wave(row, row.waves.count(), f"{task_object(row)}:{day}", SYSTEM, day)
                begun += 1
        except DomainError:
            continue  # closed in this very moment
    return begun


def send_again(*, wave: Wave, actor: User) -> Wave:
    """Begins a wave anew whose job failed or was cancelled; one that runs or is done is left alone."""
    require(actor, ACT)
    with acting(actor, "send_renewal"):
        return _again(wave, actor)


def _require_time_left(row: Campaign) -> None:
    """A mail must not ask for an answer by a day that is over."""
    if clock.today() > row.answer_by:
        raise DomainError(
            f"回答期限（{long_date(row.answer_by)}）が過ぎているため、メールを送れません。"
            "「期限・督促日を変える」で期限を延ばしてから送ってください。",
            code="late",
        )


def _require_remindable(row: Campaign) -> None:
    if row.state != State.ASKING:
        raise DomainError("まだ最初の案内を送っていません。先に案内を送ってください。", code="not_asking")
    if row.waves.filter(done_at=None).exists():
        raise DomainError(
            "前の送信がまだ終わっていません。終わるまで待つか、止まっているときは「送信を再開する」を押してください。",
            code="sending",
        )


def _new_wave(row: Campaign, number: int, key: str, actor: Actor, planned_on: Any = None) -> Wave:
    try:
        with transaction.atomic():
            wave = Wave.objects.create(
                campaign=row,
                number=number,
                key=key[:64] or secrets.token_urlsafe(12),
                planned_on=planned_on,
                asked_by_id=actor.pk,
                asked_at=clock.now(),
            )
    except IntegrityError:
        raise DomainError(
            "この更新のメールは、別の画面で送られています。画面を開き直してご確認ください。", code="sending"
        ) from None
    return _queue(wave, actor)


def _queue(wave: Wave, actor: Actor) -> Wave:
    wave.job = queue_job(
        kind=KIND,
        title=f"{wave.campaign}: {wave.title}",
        arguments={"wave": wave.pk, "actor": actor.pk, "renewal": wave.campaign.fiscal_year},
        actor=actor,
    )
    wave.save(update_fields=["job"])
    return wave


def _again(wave: Wave, actor: Actor) -> Wave:
    row = Wave.objects.select_for_update(of=("self",)).select_related("campaign", "job").get(pk=wave.pk)
    job = row.job
    if row.done_at is not None or (job is not None and job.is_open):
        return row
    return _queue(row, actor)


def _silent(campaign: Campaign) -> Any:
    """The asks nobody has answered, of experts whose registration goes on."""
    return Ask.objects.filter(campaign=campaign, answer="", expert__valid_until=None)


def send_wave(*, wave: Wave, actor: Actor, progress: Progress) -> Wave:
    """Queues the mails of a wave, all or none. A wave that is done stays as it is.

    The first one also notes who is asked: everybody whose registration has no end.
    """
    with acting(actor, "send_renewal" if wave.number == 0 else "remind_renewal"):
        row = Wave.objects.select_for_update(of=("self",)).get(pk=wave.pk)
        if row.done_at is not None:
            return row
        campaign = locked(row.campaign)
        if row.number == 0:
            _ask_everybody(campaign)
        total = _silent(campaign).count()
        if not total:
            raise DomainError("案内を送る相手がいません。", code="nobody")
        progress.report(0, total, "メールを用意しています")
        done = 0
        for asks in _in_batches(campaign):
            row.mail_count += _mail(asks, row, campaign, actor)
            done += len(asks)
            progress.report(done, total, "メールを用意しています")
        row.no_address_count = done - row.mail_count
        row.done_at = clock.now()
        row.save(update_fields=["mail_count", "no_address_count", "done_at"])
        if campaign.state == State.PREPARING:
            campaign.state = State.ASKING
            campaign.save(update_fields=["state"])
        return row


def _ask_everybody(campaign: Campaign) -> None:
    experts = Expert.objects.filter(valid_until=None).exclude(renewals__campaign=campaign)
    Ask.objects.bulk_create(
        (
            Ask(campaign=campaign, expert_id=pk)
            for pk in experts.order_by("code").values_list("pk", flat=True)
        ),
        batch_size=1000,
    )


def _in_batches(campaign: Campaign) -> Iterator[list[Ask]]:
    rows = (
        _silent(campaign)
        .select_related("expert")
        .only("campaign", "expert__code", "expert__name", "expert__email", "expert__user")
        .order_by("pk")
    )
    batch: list[Ask] = []
    for ask in rows.iterator(chunk_size=_BATCH):
        batch.append(ask)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _mail(asks: Iterable[Ask], wave: Wave, campaign: Campaign, actor: Actor) -> int:
    """Queues the mails of some asks with a link of their own each, and lets the matter wait on the experts' pages."""
    tokens = {ask.pk: secrets.token_urlsafe(32) for ask in asks}
    keys = {ask.pk: f"renewal:{campaign.fiscal_year}:{wave.number}:{ask.expert.code}" for ask in asks}
    common = {
        "year": campaign.fiscal_year,
        "last_day": long_date(campaign.last_day),
        "answer_by": long_date(campaign.answer_by),
        "message": campaign.message,
        "reminder": wave.number > 0,
        "page": PAGE,
    }
    origin = settings.PUBLIC_ORIGIN.rstrip("/")
    mails = queue_mails(
        template="renewal",
        letters=(
            Letter(
                ask.expert.email,
                {**common, "name": ask.expert.name, "link": f"{origin}/renew/{tokens[ask.pk]}/"},
                keys[ask.pk],
            )
            for ask in asks
        ),
        actor=actor,
        # the link in it opens the answer
        keeps_body=False,
    )
    Link.objects.bulk_create(
        [
            Link(ask=ask, wave=wave, mail_id=mails[keys[ask.pk]], token_hash=token_hash(tokens[ask.pk]))
            for ask in asks
            if keys[ask.pk] in mails
        ]
    )
    open_tasks(
        code=TASK,
        object=task_object(campaign),
        title=f"登録の更新の回答をお願いします（期限 {long_date(campaign.answer_by)}）",
        note=f"{campaign.fiscal_year}年度末の登録の更新",
        path=PAGE,
        people=[ask.expert.user_id for ask in asks if ask.expert.user_id is not None],
        actor=actor,
    )
    return len(mails)
