"""The expert's own dispatches: the list, and one with what it waits for, what it is worth and what happened."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from accounts.models import User
from core import clock
from core.audit.models import Access
from core.audit.services import record_page, record_view
from core.japan.addresses import whole_address
from core.programme.selectors import dispatch_terms
from dispatch.finding_reads import findings_for
from dispatch.finding_words import Told
from dispatch.models import Attestation, Declaration, Dispatch, Status
from dispatch.receipt_views import panel
from dispatch.selectors import timeline
from dispatch.services.attesting import ATTESTABLE
from dispatch.services.seeing import close_news
from dispatch.services.visits import DECLARABLE
from payments.calculation.expectation import expected_payment
from payments.selectors import dispatch_calculation
from portal_expert import selectors
from portal_expert.access import expert_view, person
from portal_expert.report_page import is_open, returned
from portal_expert.waiting import in_the_way, waiting_of, with_waiting

_PAID = (Status.SCHEDULED, Status.PAID)
_ASIDE = (Status.DECLINED, Status.CANCELLED, Status.INELIGIBLE)


@require_safe
@expert_view
def dispatch_list(request: HttpRequest) -> HttpResponse:
    """The own dispatches, the latest plan first."""
    user = person(request)
    question = selectors.Question.of(request.GET)
    page, rows = selectors.page_of(question.rows(user), request.GET.get("page"))
    record_page(actor=user, rows=[row.dispatch for row in rows])
    context = {
        "section": "dispatches",
        "question": question,
        "page": page,
        "rows": rows,
        "statuses": [choice for choice in Status.choices if choice[0] != Status.DRAFT],
        "months": selectors.months_of(user),
        "turns": [("1", "あなたの対応待ち")],
    }
    return render(request, "expert/dispatches/list.html", context)


@require_safe
@expert_view
def dispatch_detail(request: HttpRequest, number: str) -> HttpResponse:
    """One own dispatch: where tasks and mails lead; it says what is to be done next, whatever its state."""
    user = person(request)
    dispatch = get_object_or_404(
        with_waiting(selectors.own_dispatches(user)).select_related("company", "institution", "expert"),
        number=number,
    )
    record_view(actor=user, what=Access.What.EVIDENCE, object=dispatch)
    close_news(dispatch=dispatch, person=user)
    findings = _findings(dispatch, user)
    waiting = waiting_of(dispatch, dispatch_terms(clock.today()))
    context = {
        "section": "dispatches",
        "dispatch": dispatch,
        "address": whole_address(dispatch.company.prefecture_code, dispatch.company.address),
        "waiting": waiting,
        "yours": [each for each in waiting if each.yours],
        "others": [each for each in waiting if not each.yours],
        "returned": returned(dispatch),
        "can_report": is_open(dispatch),
        # what a 申告書 settles are the findings about evidence
        "can_declare": dispatch.status in DECLARABLE and any(each.code.startswith("E") for each in findings),
        "can_show_qr": dispatch.status in ATTESTABLE and dispatch.attested_at is None,
        "aside": dispatch.status in _ASIDE,
        "answer": Attestation.objects.visible_to(user)
        .filter(dispatch=dispatch)
        .order_by("-answered_at", "-pk")
        .first(),
        "declarations": list(Declaration.objects.visible_to(user).filter(dispatch=dispatch)),
        "inquiries": list(
            selectors.own_inquiries(user).filter(dispatch=dispatch).order_by("-asked_at", "-pk")
        ),
        "findings": findings,
        "history": [
            {"at": entry.at, "actor": entry.who or "システム", "action": entry.what, "reason": entry.why}
            for entry in reversed(timeline(dispatch, user))
        ],
        **_amount(dispatch),
        **panel(dispatch, user),
    }
    return render(request, "expert/dispatches/detail.html", context)


def _findings(dispatch: Dispatch, user: User) -> list[Told]:
    return [each for each in findings_for(dispatch, user) if in_the_way([each.code], dispatch)]


def _amount(dispatch: Dispatch) -> dict[str, Any]:
    """What was or will be paid with every yen explained; nothing before the visit and for what isn't paid."""
    if dispatch.status in _PAID:
        return {"paid": dispatch_calculation(dispatch)}
    if dispatch.visited_from is None or dispatch.status in _ASIDE:
        return {}
    return {"expected": expected_payment(dispatch)}
