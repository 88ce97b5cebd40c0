"""Who is told about a registration: tasks of those who check, mails to the person."""

from collections.abc import Iterable

from django.conf import settings
from django.contrib.auth import get_user_model

from accounts.models import Role
from core import clock
from core.audit.acting import Actor
from core.japan.calendar import long_date_with_weekday
from core.japan.text import normal_code
from core.notify.services import close_tasks, notify, queue_mail

from ..fields import title_of
from ..models import FieldReturn, Registration

CHECK = "registration_check"
OFFICE_CHECK = "registration_office_check"
LATE = "registration_late"
CERTIFICATE_REFUSED = "registration_certificate_refused"
CODES = (CHECK, OFFICE_CHECK, LATE, CERTIFICATE_REFUSED)


def portal_path(registration: Registration) -> str:
    """The registration's page for its institution."""
    return f"/portal/registrations/{registration.uuid}/"


def office_path(registration: Registration) -> str:
    """The registration's page for the office."""
    return f"/office/registrations/{registration.uuid}/"


def entry_path(token: str) -> str:
    """The page that the person's link opens."""
    return f"/r/{token}/"


def tell_institution(registration: Registration, code: str, title: str, actor: Actor, note: str = "") -> None:
    """A task and a mail for everybody of the institution."""
    people = get_user_model().objects.filter(
        institution_member__institution=registration.institution_id, is_active=True
    )
    notify(
        code=code,
        object=registration,
        title=title,
        path=portal_path(registration),
        actor=actor,
        persons=people.order_by("pk"),
        note=note,
        template="task",
    )


def tell_office(registration: Registration, code: str, title: str, actor: Actor, note: str = "") -> None:
    """A task for the office's operators; they work from their queue, so no mail."""
    notify(
        code=code,
        object=registration,
        title=title,
        path=office_path(registration),
        actor=actor,
        role=Role.OFFICE_OPERATOR,
        note=note,
    )


def settle(registration: Registration, actor: Actor, *codes: str) -> None:
    """Ends the tasks of these codes (none given: all) about the registration."""
    for code in codes or CODES:
        close_tasks(code=code, object=registration, actor=actor)


def mail_invitation(registration: Registration, token: str, actor: Actor) -> None:
    """The personal invitation with its link; the text goes once it was sent."""
    _mail_link(registration, token, "registration_invitation", registration.candidate_email, actor)


def mail_return(registration: Registration, token: str, returns: Iterable[FieldReturn], actor: Actor) -> None:
    """What is sent back and why, with a new link."""
    points = [(title_of(found.field), found.reason) for found in returns]
    _mail_link(registration, token, "registration_returned", address_of(registration), actor, points=points)


def _mail_link(
    registration: Registration, token: str, template: str, to: str, actor: Actor, **words: object
) -> None:
    queue_mail(
        to=to,
        template=template,
        context={
            "name": registration.display_name,
            "number": registration.number,
            "institution": registration.institution.name,
            "phone": registration.institution.phone,
            "link": settings.PUBLIC_ORIGIN.rstrip("/") + entry_path(token),
            "until": long_date_with_weekday(clock.jst(registration.expires_at).date()),
            **words,
        },
        # known before anything else is: one mail per link
        key=f"{template}:{registration.pk}:{registration.token_hash[:16]}",
        actor=actor,
        keeps_body=False,
    )


def mail_passed(registration: Registration, actor: Actor) -> None:
    """The institution has checked: now the office does."""
    queue_mail(
        to=address_of(registration),
        template="registration_passed",
        context={
            "name": registration.display_name,
            "number": registration.number,
            "institution": registration.institution.name,
        },
        key=f"registration_passed:{registration.pk}:{registration.submissions.count()}",
        actor=actor,
    )


def mail_approved(registration: Registration, address: str, code: str, link: str, actor: Actor) -> None:
    """The approval message: the code, and the one-time link to the person's own account."""
    queue_mail(
        to=address,
        template="registration_approved",
        context={
            "name": registration.display_name,
            "number": registration.number,
            "institution": registration.institution.name,
            "code": code,
            "link": link,
        },
        key=f"registration_approved:{registration.pk}",
        actor=actor,
        keeps_body=False,
    )


def mail_recommender(registration: Registration, title: str, note: str, actor: Actor) -> None:
    """Tells whoever recommended the person how the office ended it; nothing is to be done, so no task."""
    user = registration.recommended_by
    if not user.is_active or not user.email:
        return
    queue_mail(
        to=user.email,
        template="registration_ended",
        context={
            "name": user.get_full_name(),
            "title": title,
            "note": note,
            "path": portal_path(registration),
        },
        key=f"registration_end:{registration.pk}",
        actor=actor,
    )


def address_of(registration: Registration) -> str:
    """Where the person is reached: the address they submitted themselves, before that the one of the recommendation."""
    last = registration.submissions.order_by("-round").first()
    submitted = str(last.fields.get("email", "")) if last else ""
    return normal_code(submitted) or registration.candidate_email
