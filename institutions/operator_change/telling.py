"""Who is told about a change of operator: the old people, the new operator, the office."""

from collections.abc import Iterable

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from accounts.models import Role, User
from core import clock
from core.audit.acting import Actor
from core.japan.calendar import long_date_with_weekday
from core.notify.services import close_tasks, notify, queue_mail
from institutions.models import OperatorChange, OperatorReturn

from .answers import BY_NAME

CHECK = "operator_change_check"
OPEN = "operator_change_open"


def office_path(change: OperatorChange) -> str:
    """The change's page in the office."""
    return f"/office/yorozu/{change.uuid}/"


def entry_path(token: str) -> str:
    """The page that the form's link opens."""
    return f"/y/{token}/"


def tell_office(change: OperatorChange, code: str, title: str, actor: Actor) -> None:
    """A task for the operators."""
    notify(
        code=code,
        object=change,
        title=title,
        path=office_path(change),
        actor=actor,
        role=Role.OFFICE_OPERATOR,
        note=change.former.name,
    )


def settle(change: OperatorChange, actor: Actor, *codes: str) -> None:
    """Ends the office's tasks of these codes (none given: all)."""
    for code in codes or (CHECK, OPEN):
        close_tasks(code=code, object=change, actor=actor)


def mail_old(change: OperatorChange, template: str, people: Iterable[User], actor: Actor) -> None:
    """To everybody of the old operator, and to the institution's own address, each address once."""
    addresses = {user.email: user.get_full_name() for user in people if user.email}
    addresses.setdefault(change.former.email, f"{change.former.name} ご担当者")
    for address, name in addresses.items():
        if not _can_get_mail(address):
            continue
        queue_mail(
            to=address,
            template=template,
            context={
                "name": name,
                "institution": change.former.name,
                "last_day": long_date_with_weekday(change.last_day),
                "message": change.message,
            },
            key=f"{template}:{change.pk}:{address}"[:200],
            actor=actor,
        )


def _can_get_mail(address: str) -> bool:
    try:
        validate_email(address)
    except ValidationError:
        return False
    return True


def mail_form(change: OperatorChange, token: str, actor: Actor) -> None:
    """The form's personal link; the text goes once it was sent."""
    _mail_link(change, token, "operator_form", actor)


def mail_return(change: OperatorChange, token: str, returns: Iterable[OperatorReturn], actor: Actor) -> None:
    """What is sent back and why, with a new link."""
    points = [(BY_NAME[each.field].title, each.reason) for each in returns]
    _mail_link(change, token, "operator_returned", actor, points=points)


def _mail_link(change: OperatorChange, token: str, template: str, actor: Actor, **words: object) -> None:
    assert change.expires_at is not None
    queue_mail(
        to=change.form_email,
        template=template,
        context={
            "operator": change.form_name,
            "name": change.form_person,
            "number": change.number,
            "base": change.former.name,
            "link": settings.PUBLIC_ORIGIN.rstrip("/") + entry_path(token),
            "until": long_date_with_weekday(clock.jst(change.expires_at).date()),
            **words,
        },
        # one mail per link
        key=f"{template}:{change.pk}:{change.token_hash[:16]}",
        actor=actor,
        keeps_body=False,
    )
