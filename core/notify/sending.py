"""Sending what waits: each mail claimed by one worker, told to the server at most once without a person's word.

The states of one try, each committed before the next step:
queued → sending (claimed, nothing told yet) → handed (the text leaves now) → sent | queued again | failed.
A worker that dies before "handed" has sent nothing, so the sweep lets the mail wait again. One that dies after it
leaves a mail nobody can be sure about: it becomes "unsure" and a person decides.
"""

import datetime as dt
import logging
import secrets
from typing import Any, Protocol

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.module_loading import import_string

from core.audit.acting import SYSTEM, Actor
from core.errors import DomainError
from core.jobs.waking import wake_on_commit

from .backend import BeforeLeaving, NotSent, NotTrusted, Refused, TryLater, Unsure
from .models import Mail, MailAttempt
from .services import close_tasks, open_task

log = logging.getLogger(__name__)

# After the nth failure so many minutes; about a day in all, then we give up visibly.
BACKOFF_MINUTES = (1, 2, 5, 10, 30, 60, 120, 240, 240, 480)
# How long a mail waits when the server itself is the trouble; that doesn't count as a try.
SERVER_PAUSE = dt.timedelta(minutes=5)
# Longer than any conversation with a mail server (EMAIL_TIMEOUT for each of its few steps).
SILENT = dt.timedelta(minutes=10)
# Whom the people in charge are, by the role of their account.
_KEEPERS = {Mail.Concern.WORK.value: "office_operator", Mail.Concern.ACCOUNT.value: "office_admin"}
_SERVER_KEEPER = "office_admin"
_SERVER_TASK = "mail_server"
MAIL_TASK = "mail_undelivered"


class Transport(Protocol):
    def send_one(self, message: EmailMessage, before_leaving: BeforeLeaving) -> None: ...


class ClaimLost(Exception):
    """Somebody else has taken the mail since: it must not leave from here."""


def send_waiting(limit: int = 500) -> int:
    """Sends the mails whose time has come, one by one; answers how many were tried."""
    tried = 0
    while tried < limit:
        mail = _claim()
        if mail is None:
            break
        tried += 1
        if not _deliver(mail):
            break
    return tried


def _claim() -> Mail | None:
    """The next waiting mail, now ours: exactly one worker's conditional update finds it still waiting."""
    while True:
        now = timezone.now()
        waiting = Mail.objects.filter(state=Mail.State.QUEUED, next_at__lte=now)
        pk = waiting.order_by("next_at", "pk").values_list("pk", flat=True).first()
        if pk is None:
            return None
        claim = secrets.token_hex(16)
        if waiting.filter(pk=pk).update(
            state=Mail.State.SENDING, claimed_at=now, claim=claim, handed_at=None
        ):
            return Mail.objects.get(pk=pk, claim=claim)


def _deliver(mail: Mail) -> bool:
    """Tries one mail; False when the server is the trouble and the others had better wait, too."""

    def before_leaving() -> None:
        if not _ours(mail).update(handed_at=timezone.now()):
            raise ClaimLost

    transport: Transport = import_string(settings.MAIL_TRANSPORT)()
    try:
        transport.send_one(message_of(mail), before_leaving)
    except ClaimLost:
        log.warning("mail %s was taken over while it was being sent", mail.pk)
    except NotTrusted as trouble:
        _server_trouble(mail, trouble)
        return False
    except TryLater as trouble:
        _again(mail, trouble)
    except Refused as trouble:
        _end(mail, Mail.State.FAILED, trouble.reason)
    except Unsure as trouble:
        _end(mail, Mail.State.UNSURE, f"引き渡しの途中で接続が切れました（{trouble}）。")
    else:
        _end(mail, Mail.State.SENT, "")
        close_tasks(code=_SERVER_TASK, object="mail", actor=SYSTEM)
    return True


def message_of(mail: Mail) -> EmailMessage:
    """The mail as it goes out: a fixed sender, bounces to their own address, nothing of a user's in the headers
    but the subject."""
    return EmailMessage(
        subject=mail.subject,
        body=mail.body,
        from_email=settings.MAIL_BOUNCE_ADDRESS or settings.DEFAULT_FROM_EMAIL,
        to=[mail.to],
        headers={
            "From": settings.DEFAULT_FROM_EMAIL,
            "Message-ID": mail.message_id,
            "Auto-Submitted": "auto-generated",
        },
    )


def _ours(mail: Mail) -> Any:
    return Mail.objects.filter(pk=mail.pk, state=Mail.State.SENDING, claim=mail.claim)


def _again(mail: Mail, trouble: NotSent) -> None:
    attempts = mail.attempts + 1
    if attempts > len(BACKOFF_MINUTES):
        _end(mail, Mail.State.FAILED, f"{attempts}回試しました。{trouble.reason}")
        return
    pause = dt.timedelta(minutes=BACKOFF_MINUTES[attempts - 1])
    with transaction.atomic():
        if _ours(mail).update(
            state=Mail.State.QUEUED, attempts=attempts, next_at=timezone.now() + pause, handed_at=None
        ):
            _note(mail, Mail.State.QUEUED, trouble.reason)
    log.info("mail %s waits for its next try", mail.pk)


def _server_trouble(mail: Mail, trouble: NotSent) -> None:
    with transaction.atomic():
        if _ours(mail).update(state=Mail.State.QUEUED, next_at=timezone.now() + SERVER_PAUSE):
            _note(mail, Mail.State.QUEUED, trouble.reason)
        open_task(
            code=_SERVER_TASK,
            object="mail",
            title="メールを送信できません",
            note=trouble.reason,
            path=reverse("office:mail_list"),
            role=_SERVER_KEEPER,
            actor=SYSTEM,
        )
    log.error("mail server is not trusted: %s", trouble.reason)


def _end(mail: Mail, state: str, detail: str) -> None:
    sent = state == Mail.State.SENT
    values: dict[str, Any] = {"state": state, "attempts": mail.attempts + 1, "ended_at": timezone.now()}
    if sent and not mail.keeps_body and not settings.MAIL_READABLE:
        values["body_cipher"] = ""
    with transaction.atomic():
        if not _ours(mail).update(**values):
            return
        _note(mail, state, detail)
        if not sent:
            _ask_a_person(mail, state)
    log.info("mail %s is %s", mail.pk, state)


def _ask_a_person(mail: Mail, state: str) -> None:
    titles = {
        Mail.State.FAILED.value: "送信できなかったメールがあります",
        Mail.State.UNSURE.value: "届いたか確認が必要なメールがあります",
    }
    open_task(
        code=MAIL_TASK,
        object=mail,
        title=titles[state],
        note=f"メール {mail.pk}",
        path=reverse("office:mail_detail", args=[mail.pk]),
        role=_KEEPERS[mail.concerns],
        actor=SYSTEM,
    )


def _note(mail: Mail, outcome: str, detail: str, by: Actor = SYSTEM) -> None:
    MailAttempt.objects.create(mail=mail, outcome=outcome, detail=detail[:300], by_id=by.pk)


def sweep_mails() -> int:
    """Mails whose worker died: untold ones wait again, told ones are for a person to decide; answers how many."""
    lost = Mail.objects.filter(state=Mail.State.SENDING, claimed_at__lt=timezone.now() - SILENT)
    swept = 0
    for mail in lost:
        swept += 1
        if mail.handed_at is not None:
            _end(mail, Mail.State.UNSURE, "送信の途中で処理が止まりました。")
            continue
        with transaction.atomic():
            # the same condition again: it may have been handed over in this very moment
            if _ours(mail).filter(handed_at=None).update(state=Mail.State.QUEUED, next_at=timezone.now()):
                _note(mail, Mail.State.QUEUED, "送信の前に処理が止まったため、もう一度送ります。")
    return swept


_DECISIONS: dict[str, tuple[tuple[str, ...], str, str]] = {
    # decision → from which states, to which, what the record says
    "retry": (("failed", "unsure", "cancelled"), "queued", "もう一度送ることにしました。"),
    "delivered": (("unsure",), "sent", "届いていることを確かめました。"),
    "cancel": (("queued", "failed", "unsure"), "cancelled", "送らないことにしました。"),
}


def decisions_for(mail: Mail) -> list[str]:
    """What a person can decide about this mail now."""
    possible = [name for name, (states, _, _) in _DECISIONS.items() if mail.state in states]
    return [name for name in possible if name != "retry" or mail.body_cipher]


def decide(*, mail: Mail, decision: str, actor: Actor) -> None:
    """A person's word about a mail: retry, delivered, cancel. Refuses what its state does not allow (any more)."""
    from .tasks import send_mails

    states, target, words = _DECISIONS.get(decision, ((), "", ""))
    with transaction.atomic():
        values: dict[str, Any] = {"state": target}
        if target == Mail.State.QUEUED:
            values |= {"next_at": timezone.now(), "attempts": 0, "ended_at": None, "handed_at": None}
        else:
            values["ended_at"] = timezone.now()
        current = Mail.objects.filter(pk=mail.pk, state__in=states)
        if decision == "retry":
            current = current.exclude(body_cipher="")
        if not current.update(**values):
            raise DomainError("このメールの状態が変わっています。画面を更新してご確認ください。")
        _note(mail, target, words, by=actor)
        close_tasks(code=MAIL_TASK, object=mail, actor=actor)
        if target == Mail.State.QUEUED:
            wake_on_commit(send_mails)
