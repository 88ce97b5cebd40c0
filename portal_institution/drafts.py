"""Forms of the institutions that are saved while they are typed (static/js/autosave.js), and how they come back.

A form that takes part is named in FORMS; its page calls `begun` for what was typed before, gives it to the form as
initial values, includes templates/institution/drafts/status.html, and calls `dispatch.services.discard_draft` when sent.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from django.urls import reverse

from accounts.models import User
from dispatch.models import Case, Company, Dispatch, Draft, Inquiry
from dispatch.services import draft_of

# What stands for the object of a form that makes a new one.
NEW = "new"


@dataclass(frozen=True, slots=True)
class Kind:
    """A form: what it is called, where it is for an object, and whether a person may fill it in for that object."""

    title: str
    address: Callable[[str], str]
    is_open: Callable[[User, str], bool]


def _new(user: User, object: str) -> bool:
    return object == NEW


def _client(user: User, object: str) -> bool:
    return Company.objects.visible_to(user).filter(code=object).exists()


def _any(user: User, object: str) -> bool:
    return len(object) <= 64


def _case(user: User, object: str) -> bool:
    return Case.objects.visible_to(user).filter(code=object).exists()


def _dispatch(user: User, object: str) -> bool:
    return Dispatch.objects.visible_to(user).filter(number=object).exists()


def _inquiry(user: User, object: str) -> bool:
    own = Inquiry.objects.visible_to(user).filter(asked_of=Inquiry.AskedOf.INSTITUTION)
    return object.isdecimal() and len(object) < 19 and own.filter(pk=int(object)).exists()


FORMS: dict[str, Kind] = {
    "client": Kind("支援先の登録", lambda object: reverse("portal:client_new"), _new),
    "client_change": Kind(
        "支援先の変更", lambda object: reverse("portal:client_change", args=[object]), _client
    ),
    # the object is the client the case is for; it may be one that was found by name and isn't seen yet
    "case": Kind(
        "支援案件の登録", lambda object: f"{reverse('portal:case_new')}?client={quote(object)}", _any
    ),
    "case_change": Kind("支援案件の変更", lambda object: reverse("portal:case_change", args=[object]), _case),
    "case_note": Kind(
        "相談記録", lambda object: reverse("portal:case_detail", args=[object]) + "#note", _case
    ),
    # the object is the case's number
    "application": Kind("派遣の申請", lambda object: reverse("portal:apply", args=[object]), _case),
    # the object is the dispatch's number
    "approval": Kind("派遣の承認", lambda object: reverse("portal:approval", args=[object]), _dispatch),
    "return": Kind(
        "派遣の差戻し", lambda object: reverse("portal:approval", args=[object]) + "#return", _dispatch
    ),
    "request": Kind(
        "例外承認の申請", lambda object: reverse("portal:request_approval", args=[object]), _dispatch
    ),
    "recommendation": Kind("専門家の推薦", lambda object: reverse("portal:registration_new"), _new),
    # the object is the inquiry's id
    "inquiry": Kind("照会への回答", lambda object: reverse("portal:inquiry", args=[object]), _inquiry),
}


@dataclass(frozen=True, slots=True)
class Begun:
    """A form begun earlier: its values by field, when they were saved, and where they are thrown away."""

    values: dict[str, Any]
    saved_at: dt.datetime
    discard_url: str


@dataclass(frozen=True, slots=True)
class Unsent:
    """A form that waits to be finished: its name, of which object, where, and since when."""

    title: str
    object: str
    path: str
    saved_at: dt.datetime


def address_of(form: str, object: str = NEW) -> str:
    """Where autosave.js sends what is typed: the value of the form's data-autosave."""
    return reverse("portal:draft", args=[form, object])


def begun(user: User, form: str, object: str = NEW) -> Begun | None:
    """What this person typed into the form and didn't send."""
    found = draft_of(person=user, form=form, object=object)
    if found is None:
        return None
    return Begun(found.values, found.saved_at, reverse("portal:draft_discard", args=[form, object]))


def unsent_of(user: User) -> list[Unsent]:
    """The forms this person has begun and not sent, the latest first. One query."""
    return [
        Unsent(
            FORMS[draft.form].title,
            "" if draft.object == NEW else draft.object,
            FORMS[draft.form].address(draft.object),
            draft.saved_at,
        )
        for draft in Draft.objects.visible_to(user).filter(form__in=FORMS).order_by("-saved_at")[:10]
    ]
