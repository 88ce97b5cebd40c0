"""How the asking of the client stands: links, the mails that carry them, and what came back."""

from dataclasses import dataclass

from accounts.models import User
from core import clock
from core.notify.models import Mail, MailAttempt
from dispatch.models import Attestation, AttestationLink, Dispatch
from dispatch.services.attesting import ATTESTABLE
from dispatch.services.telling import can_get_mail

# What a person reads of a mail's state; the office's own words for its screens are others.
_WORDS = {
    Mail.State.QUEUED: ("送信待ち", "", "clock"),
    Mail.State.SENDING: ("送信中", "info", "play"),
    Mail.State.SENT: ("送信済", "success", "check"),
    Mail.State.FAILED: ("届きませんでした", "error", "cross-circle"),
    Mail.State.UNSURE: ("届いたか不明", "warning", "alert"),
    Mail.State.CANCELLED: ("送信を取りやめました", "quiet", "minus"),
}


@dataclass(frozen=True, slots=True)
class Asking:
    """One link: by which way, when it was made, until when it is good, how its mail fared, whether it can be used."""

    link: AttestationLink
    word: str
    tone: str
    icon: str
    trouble: str
    tries: int
    usable: bool
    answer: Attestation | None


@dataclass(frozen=True, slots=True)
class AttestationState:
    """How a dispatch's attestation stands for its institution."""

    # the latest first
    askings: list[Asking]
    # the client's latest answer, None without one
    answer: Attestation | None
    # whether the client can be asked now, and by mail
    can_ask: bool
    can_mail: bool

    @property
    def latest(self) -> Asking | None:
        """The link the client was given last."""
        return self.askings[0] if self.askings else None

    @property
    def objected(self) -> bool:
        """Whether an objection stands."""
        return self.can_ask and self.answer is not None and not self.answer.confirmed

    @property
    def undelivered(self) -> bool:
        """Whether the latest mail did not reach the client."""
        return self.latest is not None and self.latest.tone in ("error", "warning")


def attestation_state(dispatch: Dispatch, user: User) -> AttestationState:
    """Links, mails and answers of a dispatch the person sees. Four queries at most."""
    answers = {
        each.link_id: each
        for each in Attestation.objects.visible_to(user)
        .filter(dispatch=dispatch)
        .order_by("answered_at", "pk")
    }
    links = list(AttestationLink.objects.visible_to(user).filter(dispatch=dispatch))
    mails = {
        mail.key: mail
        for mail in Mail.objects.filter(key__in=[link.mail_key for link in links if link.mail_key])
    }
    tries: dict[int, list[MailAttempt]] = {}
    for each in MailAttempt.objects.filter(mail__in=mails.values()).order_by("pk"):
        tries.setdefault(each.mail_id, []).append(each)
    open_ = dispatch.status in ATTESTABLE and dispatch.attested_at is None
    askings = []
    for link in links:
        mail = mails.get(link.mail_key)
        word, tone, icon = _WORDS[Mail.State(mail.state)] if mail else ("画面に表示", "", "check")
        seen = tries.get(mail.pk, []) if mail else []
        trouble = seen[-1].detail if seen and mail and mail.state != Mail.State.SENT else ""
        usable = open_ and link.ended_at is None and link.expires_at > clock.now()
        askings.append(Asking(link, word, tone, icon, trouble, len(seen), usable, answers.get(link.pk)))
    return AttestationState(
        askings=askings,
        answer=list(answers.values())[-1] if answers else None,
        can_ask=open_,
        can_mail=can_get_mail(dispatch.company.email),
    )
