"""従事証明: the client confirms the visit or objects, by a one-time link (C10)."""

import datetime as dt
import hashlib
import secrets
from dataclasses import dataclass

from django.conf import settings

from core import clock
from core.audit.acting import Actor, System, acting
from core.errors import DomainError, FieldErrors
from core.notify.services import queue_mail
from core.programme.selectors import dispatch_terms

from ..after_change import changed
from ..models import Attestation, AttestationLink, Dispatch, Status
from . import telling
from .steps import change, locked, require_status, wait_for_approval

ATTESTABLE = (Status.VISITED, Status.REPORTED)
MOST_COMMENT = 2_000
# So long the same answer sent again counts as the same press of the button.
_SAME_PRESS = dt.timedelta(minutes=30)


class LinkUnusable(DomainError):
    """Wrong, used, expired and replaced links get the same answer."""

    def __init__(self) -> None:
        super().__init__(
            "このリンクは使えません。期限が過ぎたか、回答が済んでいます。お困りのときは、担当の機関へご連絡ください。",
            code="link",
        )


@dataclass(frozen=True, slots=True)
class IssuedLink:
    """A link just made: its token is known now and never again."""

    link: AttestationLink
    token: str

    @property
    def path(self) -> str:
        """The path of the page that the link opens."""
        return f"/c/{self.token}/"


@dataclass(frozen=True)
class ClientSystem(System):
    """The client, who has no account, as the history names it."""

    name: str = "支援先"


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def issue_attestation_link(
    *, dispatch: Dispatch, channel: str, actor: Actor, seen: int | None = None
) -> IssuedLink:
    """Makes a link for the client: by mail to the client's address, or for the QR code on the expert's phone.

    `seen` is how many links the page showed: of two presses at the same moment the second is refused.
    """
    with acting(actor, "issue_attestation_link", channel):
        row = locked(dispatch, actor, "ask_attestation")
        require_status(row, ATTESTABLE, "従事証明の依頼")
        # counted under the lock of the dispatch, which every link is made under
        refuse_asked_meanwhile(row, seen)
        if row.attested_at is not None:
            raise DomainError(f"派遣 {row.number} の従事証明は済んでいます。")
        if channel == AttestationLink.Channel.MAIL and not telling.can_get_mail(row.company.email):
            raise DomainError(
                "支援先のメールアドレスが登録されていないか、正しくありません。支援先の情報を直すか、QRコードを使ってください。"
            )
        return _issue(row, channel, actor)


def refuse_asked_meanwhile(dispatch: Dispatch, seen: int | None) -> None:
    """Refuses whoever saw another number of links than there are now; None asks for nothing."""
    if seen is not None and dispatch.attestation_links.count() != seen:
        raise DomainError(
            "この画面を開いた後に、従事証明の依頼が送られています。届いたかどうかを下の表で確かめてください。",
            code="stale",
        )


def _issue(row: Dispatch, channel: str, actor: Actor) -> IssuedLink:
    token = secrets.token_urlsafe(32)
    now = clock.now()
    by_mail = channel == AttestationLink.Channel.MAIL
    token_hash = _hash(token)
    link = AttestationLink.objects.create(
        dispatch=row,
        token_hash=token_hash,
        channel=channel,
        sent_to=row.company.email if by_mail else "",
        # known before the link's own number is, so that nothing has to be written twice
        mail_key=f"attestation:{row.pk}:{token_hash[:16]}" if by_mail else "",
        issued_at=now,
        expires_at=now + dt.timedelta(days=dispatch_terms(now.date()).link_days),
    )
    issued = IssuedLink(link, token)
    if by_mail:
        assert row.visited_from and row.visited_to
        queue_mail(
            to=row.company.email,
            template="attestation",
            context={
                "company": row.company.name,
                "institution": row.institution.name,
                "expert": row.expert.name,
                "visit": f"{clock.jst(row.visited_from):%Y年%-m月%-d日 %H:%M}～{clock.jst(row.visited_to):%H:%M}",
                "link": settings.PUBLIC_ORIGIN.rstrip("/") + issued.path,
                "until": f"{clock.jst(link.expires_at):%Y年%-m月%-d日}",
            },
            key=link.mail_key,
            actor=actor,
            keeps_body=False,
        )
    return issued


def ask_client(row: Dispatch, actor: Actor) -> None:
    """After the visit: mails the client its link, or tells the institution that there is no address."""
    if row.attested_at is not None:
        return
    if telling.can_get_mail(row.company.email):
        _issue(row, AttestationLink.Channel.MAIL, actor)
    else:
        telling.tell_institution(
            row,
            telling.OBJECTION,
            f"派遣 {row.number}: 支援先のメールアドレスがないため、従事証明を依頼できません",
            actor,
            "支援先の情報を直すか、専門家の端末のQRコードを使ってください。",
        )


def renew_links(row: Dispatch, actor: Actor) -> None:
    """The visit's facts changed: links that show the old ones end, and the client is asked anew."""
    ended = row.attestation_links.filter(ended_at=None).update(ended_at=clock.now())
    if ended or row.attested_at is None:
        ask_client(row, actor)


def link_of(token: str) -> AttestationLink | None:
    """The usable link of a token, for showing the visit's facts; None for every other. Changes nothing."""
    link = (
        AttestationLink.objects.select_related(
            "dispatch", "dispatch__company", "dispatch__expert", "dispatch__institution"
        )
        .filter(token_hash=_hash(token), ended_at=None, expires_at__gt=clock.now())
        .first()
    )
    if link is None or link.dispatch.status not in ATTESTABLE or link.dispatch.attested_at is not None:
        return None
    return link


def attest(*, token: str, confirmed: bool, name: str, comment: str = "") -> Attestation:
    """The client confirms the visit as shown, or objects with a comment. Works once; LinkUnusable otherwise."""
    link = link_of(token)
    if link is None:
        raise LinkUnusable
    bad = {}
    if not name.strip():
        bad["氏名"] = "回答する方の氏名を入れてください。"
    elif len(name.strip()) > 200:
        bad["氏名"] = "氏名は200文字以内で入れてください。"
    if not confirmed and not comment.strip():
        bad["コメント"] = "どこが違うかを入れてください。"
    elif len(comment) > MOST_COMMENT:
        bad["コメント"] = f"{MOST_COMMENT:,}文字以内で入れてください。"
    if bad:
        raise FieldErrors(bad)
    actor = ClientSystem()
    with acting(actor, "attest", "" if confirmed else comment.strip()):
        wait_for_approval()
        row = (
            Dispatch.objects.select_for_update(of=("self",))
            .select_related("institution", "expert", "expert__user", "company")
            .get(pk=link.dispatch_id)
        )
        changed(row)
        now = clock.now()
        used = AttestationLink.objects.filter(pk=link.pk, ended_at=None, expires_at__gt=now)
        shown = (link.dispatch.visited_from, link.dispatch.visited_to)
        moved = (row.visited_from, row.visited_to) != shown
        if moved or row.status not in ATTESTABLE or used.update(ended_at=now) != 1:
            raise LinkUnusable
        assert row.visited_from and row.visited_to
        answer = Attestation.objects.create(
            dispatch=row,
            link=link,
            confirmed=confirmed,
            name=name.strip()[:200],
            comment=comment.strip(),
            shown_from=row.visited_from,
            shown_to=row.visited_to,
            answered_at=now,
        )
        row.attestation_links.filter(ended_at=None).update(ended_at=now)
        if confirmed:
            change(row, attested_at=now.replace(second=0, microsecond=0))
            telling.settle(row, actor, telling.OBJECTION)
            if row.status == Status.REPORTED:
                ask_institution_to_approve(row, actor)
        else:
            title = f"派遣 {row.number}: 支援先から「相違あり」の回答"
            telling.tell_institution(row, telling.OBJECTION, title, actor, comment.strip()[:200])
            telling.tell_office(row, telling.OBJECTION, title, actor, comment.strip()[:200])
        return answer


def answered_just_so(*, token: str, confirmed: bool, name: str, comment: str = "") -> bool:
    """Whether exactly this answer came by this link a moment ago: a second press of the button. Changes nothing."""
    return Attestation.objects.filter(
        link__token_hash=_hash(token),
        confirmed=confirmed,
        name=name.strip(),
        comment=comment.strip(),
        answered_at__gt=clock.now() - _SAME_PRESS,
    ).exists()


def ask_institution_to_approve(row: Dispatch, actor: Actor) -> None:
    """Report and attestation are there: it is the institution's turn."""
    telling.tell_institution(
        row, telling.APPROVE, f"派遣 {row.number} の承認をお願いします", actor, row.company.name
    )


def last_answer(row: Dispatch) -> Attestation | None:
    """The client's latest answer, confirmation or objection: the last to be written, whatever the clock said."""
    return row.attestations.order_by("-pk").first()
