"""What is under way with one expert beside dispatches: appointment, renewal, requests to change what is registered."""

from dataclasses import dataclass

from django.urls import reverse

from accounts.models import User
from accounts.rights import may
from core import clock
from experts.appointment.models import Appointment
from experts.appointment.offering import ACT as APPOINT
from experts.changes.models import ChangeRequest
from experts.models import Expert
from experts.renewal.models import Ask, Campaign
from experts.standing import is_active_on
from rules.dates import fiscal_year


@dataclass(frozen=True, slots=True)
class Procedure:
    """One line of the page: what it is, where it stands, and where it is worked on ("" for nowhere)."""

    title: str
    state: str
    url: str = ""
    # a step this person can begin here: its button and address
    step: str = ""
    step_url: str = ""


def procedures_of(expert: Expert, user: User) -> list[Procedure]:
    """The appointments of this fiscal year and later, the renewal under way, open requests. Three queries."""
    year = fiscal_year(clock.today())
    appointments = list(
        Appointment.objects.visible_to(user)
        .filter(expert=expert, round__fiscal_year__gte=year)
        .select_related("round")
        .order_by("round__fiscal_year")
    )
    lines = [
        Procedure(
            str(each.round),
            each.get_state_display(),
            reverse("office:appointment_person", args=[each.round.fiscal_year, expert.code]),
        )
        for each in appointments
    ]
    reads = may(user, "read", Appointment).allowed
    if reads and not any(each.round.fiscal_year == year for each in appointments):
        offers = may(user, APPOINT).allowed and is_active_on(expert, clock.today())
        lines.insert(
            0,
            Procedure(
                f"{year}年度の委嘱",
                "案内していません",
                step="委嘱を案内する" if offers else "",
                step_url=reverse("office:appointment_offer", args=[expert.code]) if offers else "",
            ),
        )
    for ask in (
        Ask.objects.visible_to(user)
        .filter(expert=expert)
        .exclude(campaign__state=Campaign.State.CLOSED)
        .select_related("campaign")
    ):
        state = "例外として継続" if ask.is_exempt else ask.get_answer_display()
        url = reverse("office:renewal_person", args=[ask.campaign.fiscal_year, expert.code])
        lines.append(Procedure(str(ask.campaign), state, url))
    for row in ChangeRequest.objects.visible_to(user).open().filter(expert=expert).order_by("asked_at", "pk"):
        url = reverse("office:change_detail", args=[row.uuid])
        lines.append(Procedure(f"{row.number} {row.get_kind_display()}", row.get_state_display(), url))
    return lines
