"""Who has not answered: the person is reminded once per link, the institution learns of links that ran out."""

import datetime as dt

from django.db.models import Q

from core import clock
from core.audit.acting import SYSTEM, acting
from core.japan.calendar import long_date_with_weekday
from core.notify.models import Mail, Task
from core.notify.services import object_key, queue_mail

from ..criteria import terms_on
from ..models import Registration
from ..states import ENTERING
from . import telling

_BATCH = 500


def remind_candidates() -> int:
    """Mails a reminder to those who were invited or sent something back long ago; answers how many. Once per link.

    After how many days: criteria.TERMS. The link itself can't be mailed again: its token is kept nowhere.
    """
    now = clock.now()
    before = now - dt.timedelta(days=terms_on(now.date()).remind_after_days)
    late = Registration.objects.filter(
        state__in=ENTERING, invited_at__lte=before, expires_at__gt=now + dt.timedelta(days=1)
    ).exclude(token_hash="")
    rows = {_key(row): row for row in late.select_related("institution").order_by("pk")[:_BATCH]}
    known = set(Mail.objects.filter(key__in=rows).values_list("key", flat=True))
    done = 0
    for key, row in rows.items():
        if key in known:
            continue
        with acting(SYSTEM, "remind_candidate"):
            # as it is by now: submitted or withdrawn meanwhile, nobody is reminded
            found = (
                Registration.objects.select_for_update(of=("self",))
                .select_related("institution")
                .get(pk=row.pk)
            )
            if _key(found) != key or not found.can_enter:
                continue
            queue_mail(
                to=telling.address_of(found),
                template="registration_reminder",
                context={
                    "name": found.display_name,
                    "number": found.number,
                    "institution": found.institution.name,
                    "phone": found.institution.phone,
                    "sent_on": long_date_with_weekday(clock.jst(found.invited_at).date()),
                    "until": long_date_with_weekday(clock.jst(found.expires_at).date()),
                },
                key=key,
                actor=SYSTEM,
            )
        done += 1
    return done


def _key(row: Registration) -> str:
    return f"registration_reminder:{row.pk}:{row.token_hash[:16]}"


def tell_of_expired() -> int:
    """A task for the institution about each link that ran out while something is to be entered; answers how many."""
    now = clock.now()
    told = Task.objects.open().filter(code=telling.LATE).values_list("object", flat=True)
    gone = Registration.objects.filter(state__in=ENTERING).filter(Q(expires_at__lte=now) | Q(token_hash=""))
    done = 0
    known = set(told)
    for row in gone.select_related("institution").order_by("pk")[:_BATCH]:
        if object_key(row) in known:
            continue
        with acting(SYSTEM, "remind_candidate"):
            telling.tell_institution(
                row,
                telling.LATE,
                f"{row.number} {row.display_name}さんの登録案内の期限が切れました",
                SYSTEM,
                "続けるときは登録案内を送り直し、続けないときは取り下げてください。",
            )
        done += 1
    return done
