"""What the expert was paid this year, what is on its way, and what is held; the payment notices."""

import io

from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe

from core.audit.services import record_page
from core.banks.models import Bank, Branch
from dispatch.models import Assessment
from experts.models import Expert
from payments.models import Payout
from payments.services.own_notice import take_own_notice
from portal_expert import fees as reads
from portal_expert.access import expert_view, person

_NAMES = {reads.CALENDAR: "{}年（1月〜12月）", reads.FISCAL: "{}年度（4月〜翌3月）"}


@require_safe
@expert_view
def fees(request: HttpRequest) -> HttpResponse:
    """The payouts of one year with their sums, what is coming, and the account."""
    user = person(request)
    paid = reads.payouts_of(user)
    by = reads.FISCAL if request.GET.get("by") == reads.FISCAL else reads.CALENDAR
    years = sorted({reads.year_of(one, by) for one in paid} | {reads.this_year(by)}, reverse=True)
    asked = request.GET.get("year", "")
    year = next((one for one in years if str(one) == asked), reads.this_year(by))
    shown = [one for one in paid if reads.year_of(one, by) == year]
    coming = reads.coming(user)
    expert = Expert.objects.visible_to(user).filter(user=user).first()
    record_page(actor=user, rows=[one.payout for one in shown])
    if expert is not None:
        record_page(actor=user, rows=expert, fields=["account_number"])
    context = {
        "section": "fees",
        "received": [
            (_NAMES[kind].format(reads.this_year(kind)), reads.received_in(paid, kind, reads.this_year(kind)))
            for kind in (reads.CALENDAR, reads.FISCAL)
        ],
        "by": by,
        "year": year,
        "year_name": _NAMES[by].format(year),
        "years": [(one, _NAMES[by].format(one)) for one in years],
        "kinds": [(reads.CALENDAR, "暦年（1月〜12月）"), (reads.FISCAL, "年度（4月〜翌3月）")],
        "shown": shown,
        "total": reads.total_of(shown),
        "payable": coming[Assessment.Kind.PAYABLE],
        "incomplete": coming[Assessment.Kind.INCOMPLETE],
        "held": coming[Assessment.Kind.HOLD],
        "excluded": coming[Assessment.Kind.INELIGIBLE],
        "sums": {name: sum(one.amount for one in coming[kind]) for name, kind in _SUMMED},
        "expert": expert,
        "bank": Bank.objects.filter(code=expert.bank_code).first() if expert else None,
        "branch": Branch.objects.filter(bank__code=expert.bank_code, code=expert.branch_code).first()
        if expert
        else None,
    }
    return render(request, "expert/fees/fees.html", context)


_SUMMED = (
    ("payable", Assessment.Kind.PAYABLE),
    ("incomplete", Assessment.Kind.INCOMPLETE),
    ("held", Assessment.Kind.HOLD),
)


@require_POST
@expert_view
def notice(request: HttpRequest, payout: int) -> HttpResponseBase:
    """The own payment notice as PDF. Taking it is recorded, therefore a POST."""
    try:
        name, content = take_own_notice(payout=payout, actor=person(request))
    except Payout.DoesNotExist:
        raise Http404 from None
    answer = FileResponse(
        io.BytesIO(content), as_attachment=True, filename=name, content_type="application/pdf"
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer
