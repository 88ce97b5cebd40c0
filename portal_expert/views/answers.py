"""Answering an offer, and the client's link as a QR code."""

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from core.documents.qr import qr_picture
from dispatch import services
from dispatch.models import AttestationLink, Dispatch
from portal_expert.access import expert_view, person
from portal_expert.selectors import own_dispatches


def _own(request: HttpRequest, number: str) -> Dispatch:
    return get_object_or_404(own_dispatches(person(request)).select_related("company"), number=number)


@require_POST
@expert_view
def accept(request: HttpRequest, number: str) -> HttpResponse:
    """Takes the dispatch."""
    dispatch = services.accept_dispatch(dispatch=_own(request, number), actor=person(request))
    messages.success(request, f"派遣 {dispatch.number} を承諾しました。事務局の確認をお待ちください。")
    return redirect("expert:visit", number)


@require_POST
@expert_view
def decline(request: HttpRequest, number: str) -> HttpResponse:
    """Does not take it, with a reason the institution reads."""
    dispatch = services.decline_dispatch(
        dispatch=_own(request, number), reason=request.POST.get("reason", ""), actor=person(request)
    )
    messages.success(request, f"派遣 {dispatch.number} を辞退しました。機関へ知らせました。")
    return redirect("expert:home")


@require_POST
@expert_view
def show_qr(request: HttpRequest, number: str) -> HttpResponse:
    """Makes a one-time link for the client and shows it as a QR code. Each press makes a new one."""
    dispatch = _own(request, number)
    issued = services.issue_attestation_link(
        dispatch=dispatch, channel=AttestationLink.Channel.QR, actor=person(request)
    )
    address = settings.PUBLIC_ORIGIN.rstrip("/") + issued.path
    context = {
        "section": "visits",
        "visit": dispatch,
        "address": address,
        "picture": qr_picture(address),
        "until": issued.link.expires_at,
    }
    return render(request, "expert/visits/qr.html", context)
