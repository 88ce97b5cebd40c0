"""What goes over when a よろず gets another operator: the registrations it recommended that aren't done (docs/adr/0024)."""

from django.utils import timezone

from institutions.models import Institution
from institutions.operator_change.handover import Moved, hands_over

from .models import Registration
from .states import OPEN


@hands_over
def registrations(former: Institution, successor: Institution) -> list[Moved]:
    """Open registrations: their checks and the person's questions are the successor's from now on."""
    rows = list(
        Registration.objects.select_for_update(of=("self",))
        .filter(institution=former, state__in=OPEN)
        .order_by("number")
    )
    Registration.objects.filter(pk__in=[row.pk for row in rows]).update(
        institution=successor, updated_at=timezone.now()
    )
    return [Moved("専門家の登録手続き", row.number) for row in rows]
