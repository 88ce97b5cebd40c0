"""The dispatches that wait for the institution's approval, one after another, and what an expert was returned before."""

from collections import Counter
from dataclasses import dataclass

from django.db.models import F, QuerySet
from django.db.models.functions import Greatest

from accounts.models import User
from dispatch.models import Dispatch, Status, StatusChange
from institutions.models import Institution
from portal_institution.attestation_mail import AttestationState
from portal_institution.dispatch_list import SHOWN, own_dispatches

# So many are gone through one after another; the list shows how many more there are.
MOST = 500
# So many earlier returns are shown.
RETURNS = 5


def ready(user: User, institution: Institution) -> QuerySet[Dispatch]:
    """Reported and attested: what can be approved now, the longest waiting first."""
    return (
        own_dispatches(user, institution)
        .filter(status=Status.REPORTED, attested_at__isnull=False)
        .annotate(waits_since=Greatest("reported_at", "attested_at"))
        .only(*SHOWN)
        .order_by("waits_since", "number")
    )


def not_ready(user: User, institution: Institution) -> QuerySet[Dispatch]:
    """Reported, but not attested: what will wait for the approval next."""
    return (
        own_dispatches(user, institution)
        .filter(status=Status.REPORTED, attested_at=None)
        .only(*SHOWN)
        .order_by(F("reported_at").asc(nulls_last=True), "number")
    )


@dataclass(frozen=True, slots=True)
class Place:
    """Where a dispatch stands among those that wait: its place from 1 (0: not among them), and its neighbours."""

    number: int
    count: int
    before: str
    after: str


def place_of(dispatch: Dispatch, user: User, institution: Institution) -> Place:
    """The neighbours of a dispatch in the queue; for one that isn't in it, the first as the next. One query."""
    numbers = list(ready(user, institution).values_list("number", flat=True)[:MOST])
    if dispatch.number not in numbers:
        return Place(0, len(numbers), "", numbers[0] if numbers else "")
    at = numbers.index(dispatch.number)
    return Place(
        at + 1,
        len(numbers),
        numbers[at - 1] if at else "",
        numbers[at + 1] if at + 1 < len(numbers) else "",
    )


@dataclass(frozen=True, slots=True)
class Returned:
    """What was returned to an expert before: the latest returns, how many there were, and the frequent reasons."""

    latest: list[StatusChange]
    count: int
    frequent: list[tuple[str, int]]


def returned_before(dispatch: Dispatch, user: User) -> Returned:
    """The institution's own returns to this expert, on all dispatches. One query."""
    found = list(
        StatusChange.objects.visible_to(user)
        .filter(
            dispatch__expert=dispatch.expert_id,
            dispatch__institution=dispatch.institution_id,
            action="return",
            from_status=Status.REPORTED,
        )
        .select_related("dispatch")
        .order_by("-id")[:200]
    )
    reasons = Counter(part for change in found for part in change.reason.split("、") if part)
    frequent = [(reason, count) for reason, count in reasons.most_common(3) if count > 1]
    return Returned(found[:RETURNS], len(found), frequent)


@dataclass(frozen=True, slots=True)
class Hindrance:
    """Why a dispatch can't be approved now, and what to do about it."""

    why: str
    next_step: str
    # whether the page of the attestation is where to go
    about_attestation: bool = False


def hindrance_of(dispatch: Dispatch, attestation: AttestationState) -> Hindrance | None:
    """What stands against the approval; None when nothing does."""
    if dispatch.status != Status.REPORTED:
        why = f"この派遣は「{dispatch.get_status_display()}」です。"
        if dispatch.status in (Status.VISITED, Status.CONFIRMED):
            return Hindrance(why, "専門家の報告を待っています。報告が出ると、承認できます。")
        return Hindrance(why, "承認できるのは「報告済」の派遣です。")
    if dispatch.attested_at is not None:
        return None
    if attestation.objected:
        return Hindrance(
            "支援先が「違うところがある」と回答しています。",
            "支援先の指摘を確かめ、報告が違っていれば専門家へ差し戻してください。"
            "報告のとおりであれば、支援先と話したうえで、従事証明をもう一度依頼してください。",
            about_attestation=True,
        )
    if attestation.undelivered or not attestation.can_mail:
        return Hindrance(
            "支援先に従事証明のメールが届いていません。",
            "メールアドレスを直して送り直すか、専門家の端末のQRコードで回答してもらってください。",
            about_attestation=True,
        )
    return Hindrance(
        "支援先の従事証明がまだありません。",
        "支援先の回答を待っています。急ぐときは、電話で確認をお願いするか、メールを送り直してください。",
        about_attestation=True,
    )


def done_already(dispatch: Dispatch, user: User, action: str) -> bool:
    """Whether the latest step of the dispatch is this one by this person: a second press of the same button."""
    last = StatusChange.objects.visible_to(user).filter(dispatch=dispatch).order_by("-id").first()
    return last is not None and last.action == action and last.actor_id == user.pk
