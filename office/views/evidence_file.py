"""The evidence file of a dispatch as a PDF."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404

from core.audit.models import Access
from core.audit.services import record_view
from dispatch.models import Dispatch
from office.access import office_view, person
from office.evidence_file import evidence_pdf


@office_view()
def evidence_file(request: HttpRequest, number: str) -> HttpResponse:
    """Everything of one dispatch as one PDF, made now; whoever takes it is recorded."""
    user = person(request)
    dispatch = get_object_or_404(
        Dispatch.objects.visible_to(user).select_related("expert", "institution", "company", "assessment"),
        number=number,
    )
    record_view(actor=user, what=Access.What.DOWNLOAD, object=dispatch)
    return HttpResponse(
        evidence_pdf(dispatch, user),
        content_type="application/pdf",
        headers={"Content-Disposition": f'inline; filename="evidence_{dispatch.number}.pdf"'},
    )
