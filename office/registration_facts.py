"""What the office is shown around a registration: whose turn, who else may be the same person, how to send back."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Min, Q, QuerySet
from django.urls import reverse

from accounts.models import User
from accounts.rights import may
from core import clock
from core.japan.text import normal_code
from core.notify.models import Mail
from core.ui.lists import containing
from experts.duplicates import Person, likenesses
from experts.registration.fields import CERTIFICATE, RETURNABLE
from experts.registration.models import Registration, Submission
from experts.registration.selectors import Review
from experts.registration.services.telling import OFFICE_CHECK
from experts.registration.states import CLOSED, ENTERING, OPEN, State
from office.waiting import Waiting, waiting_source
from portal_institution.forms.registrations import ReturnFieldsForm

TURNS = (
    ("office", "事務局"),
    ("institution", "推薦機関"),
    ("person", "本人"),
    ("expired", "推薦機関（本人のリンクの期限切れ）"),
)
ALL_TURNS = "all"
_SEARCHED = ("number", "candidate_name", "name", "kana", "candidate_email", "institution__name")


@waiting_source(16, counts=(OFFICE_CHECK,))
def registrations_waiting(user: User) -> list[Waiting]:
    """Registrations that the institutions have passed on. One query."""
    if not may(user, "approve_registration").allowed:
        return []
    found = (
        Registration.objects.visible_to(user)
        .filter(state=State.OFFICE)
        .aggregate(count=Count("pk"), oldest=Min("state_since"))
    )
    if not found["count"]:
        return []
    return [
        {
            "title": "専門家の登録の確認",
            "url": reverse("office:registration_list"),
            "count": found["count"],
            "oldest": found["oldest"],
            "note": "",
        }
    ]


def registrations(user: User, *, words: str = "", state: str = "", turn: str = "") -> QuerySet[Registration]:
    """Those with these words, in this state, waiting for this side. One query."""
    rows = Registration.objects.visible_to(user).select_related("institution", "expert")
    if words:
        rows = rows.filter(containing(words, *_SEARCHED))
    if state in State.values:
        rows = rows.filter(state=state)
    dead = Q(state__in=ENTERING) & (Q(expires_at__lte=clock.now()) | Q(token_hash=""))
    match turn:
        case "office":
            rows = rows.filter(state=State.OFFICE)
        case "institution":
            rows = rows.filter(state=State.INSTITUTION)
        case "expired":
            rows = rows.filter(dead)
        case "person":
            rows = rows.filter(~dead, state__in=ENTERING)
    return rows


def turn_of(row: Registration) -> str:
    """Whom a registration waits for, in words; "" when it is over."""
    if row.state in CLOSED:
        return ""
    if row.state == State.OFFICE:
        return "事務局の確認"
    if row.state == State.INSTITUTION:
        return "推薦機関の確認"
    if row.is_expired:
        return "推薦機関からの登録案内の再送"
    return "本人の修正" if row.state == State.RETURNED else "本人の入力"


@dataclass(frozen=True, slots=True)
class Alike:
    """Another registration on its way that may be of the same person, and why one may think so."""

    registration: Registration
    reasons: tuple[str, ...]


def alike_registrations(row: Registration, user: User) -> list[Alike]:
    """Other open registrations that may be the same person. Two queries.

    All that are open are read: there are some dozens at a time, and what was typed is sealed, so no query can compare.
    """
    others = list(
        Registration.objects.visible_to(user)
        .filter(Q(state__in=OPEN) | Q(pk=row.pk))
        .select_related("institution")
        .order_by("number")
    )
    entries = {
        found.registration_id: found.fields
        for found in Submission.objects.visible_to(user)
        .filter(registration__in=[each.pk for each in others])
        .order_by("registration_id", "-round")
        .distinct("registration_id")
    }
    own = _person(row, entries.get(row.pk, {}))
    address = _mail_of(row, entries.get(row.pk, {}))
    found = []
    for other in others:
        if other.pk == row.pk:
            continue
        reasons = [str(reason) for reason in likenesses(own, _person(other, entries.get(other.pk, {})))]
        if address == _mail_of(other, entries.get(other.pk, {})):
            reasons.append("同じメールアドレス")
        if reasons:
            found.append(Alike(other, tuple(reasons)))
    return found


def _mail_of(row: Registration, entry: dict[str, Any]) -> str:
    return normal_code(str(entry.get("email") or row.candidate_email)).casefold()


def _person(row: Registration, entry: dict[str, Any]) -> Person:
    """What is known of a person: as submitted, before that as recommended. ゆうちょ by its own two numbers."""

    def text(name: str) -> str:
        return str(entry.get(name) or "")

    yucho = bool(entry.get("yucho"))
    return Person(
        name=text("name") or row.candidate_name,
        phone=text("phone") or row.candidate_phone,
        prefecture_code=text("prefecture_code"),
        address=text("address"),
        bank_code="yucho" if yucho else text("bank_code"),
        branch_code=text("yucho_kigo") if yucho else text("branch_code"),
        account_type="" if yucho else text("account_type"),
        account_number=text("yucho_bango") if yucho else text("account_number"),
    )


class OfficeReturnForm(ReturnFieldsForm):
    """The same as the institution's, with the fields only the office sees."""

    @staticmethod
    def returnable() -> dict[str, str]:
        """What the office may send back, with its title: everything."""
        return dict(RETURNABLE)


def field_rows(review: Review, form: OfficeReturnForm | None) -> list[tuple[str, list[dict[str, Any]]]]:
    """The entry by group, each field with its two inputs for sending it back (where it can be)."""
    return [
        (
            group,
            [
                {"shown": shown, **_inputs(form, shown.field.name)}
                for shown in fields
                # what was left empty and is optional needs no line unless it may be asked for
                if shown.text or form is not None
            ],
        )
        for group, fields in review.groups.items()
    ]


def certificate_rows(review: Review, form: OfficeReturnForm | None) -> list[dict[str, Any]]:
    """Every kind of certificate that is there or can be asked for, with its files and inputs."""
    rows = []
    for field, title in RETURNABLE.items():
        if not field.startswith(CERTIFICATE):
            continue
        files = [found for found in review.certificates if f"{CERTIFICATE}{found.kind}" == field]
        if files or form is not None:
            rows.append({"title": title, "files": files, **_inputs(form, field)})
    return rows


def _inputs(form: OfficeReturnForm | None, field: str) -> dict[str, Any]:
    if form is None or f"reason-{field}" not in form.fields:
        return {"reason": None, "words": None, "is_open": False}
    reason, words = form[f"reason-{field}"], form[f"words-{field}"]
    is_open = bool(reason.errors or words.errors or reason.value() or words.value())
    return {"reason": reason, "words": words, "is_open": is_open}


def approval_mail(row: Registration) -> Mail | None:
    """The mail that told the person about the approval; None before. One query."""
    return Mail.objects.filter(key=f"registration_approved:{row.pk}").first()
