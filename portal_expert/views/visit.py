"""One visit on the phone: address, contact and the one next action. Works without network."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from core import clock
from core.japan.addresses import whole_address
from dispatch.models import Dispatch, Status
from portal_expert.access import expert_view, person
from portal_expert.selectors import ON_THE_WAY, own_dispatches

NOT_TO_VISIT = (Status.DRAFT, Status.APPLIED, Status.DECLINED, Status.CANCELLED)
STATEMENT = "専門家派遣による支援を、上の日時と場所で受けました。"


@expert_view
def visit(request: HttpRequest, number: str) -> HttpResponse:
    """The page the phone keeps for the visit."""
    dispatch = get_object_or_404(
        own_dispatches(person(request))
        .select_related("company", "institution", "expert")
        .prefetch_related("check_events"),
        number=number,
    )
    context = {
        "section": "visits",
        "visit": dispatch,
        "facts": facts(dispatch),
        "address": whole_address(dispatch.company.prefecture_code, dispatch.company.address),
        "statement": STATEMENT,
        # evidence is taken in every state but before the answer and after the end
        "can_check": dispatch.status not in NOT_TO_VISIT,
        "kept": [dispatch] if dispatch.status in ON_THE_WAY else [],
    }
    return render(request, "expert/visits/visit.html", context)


def facts(dispatch: Dispatch) -> dict[str, Any]:
    """What the page's script needs to know: which check events the office has."""
    return {
        "number": dispatch.number,
        "planned_day": clock.jst(dispatch.planned_from).date().isoformat(),
        "events": [
            {
                "event_id": event.event_id,
                "kind": event.kind,
                "device_time": clock.jst(event.device_time).isoformat(),
                "signer_name": event.signer_name,
            }
            for event in dispatch.check_events.all()
        ],
    }
