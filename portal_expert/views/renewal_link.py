"""/renew/<token>/: an expert answers the year-end question without signing in. Opening it changes nothing."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from core.client_address import address_of
from core.errors import DomainError
from core.japan.prefectures import BY_CODE
from experts.renewal.answering import LinkUnusable, answer_by_link, answered_just_so, link_of, pending_texts
from portal_expert.forms.renewal import RenewalForm
from portal_expert.views.renewal import add_refusal


def _unusable(request: HttpRequest) -> HttpResponse:
    """The same words for wrong, used and ended links."""
    return render(request, "renewal/unusable.html", {"message": LinkUnusable().message}, status=404)


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def renewal_link(request: HttpRequest, token: str) -> HttpResponse:
    """The question and its answer. The same answer sent twice is thanked for twice, and kept once."""
    link = link_of(token)
    texts = pending_texts(link.ask.expert) if link is not None else []
    form = RenewalForm(request.POST if request.method == "POST" else None, texts=texts)
    if form.is_bound and form.is_valid():
        try:
            answer_by_link(
                token=token,
                said=form.said,
                address=address_of(request) or None,
                agent=request.META.get("HTTP_USER_AGENT", ""),
            )
        except LinkUnusable:
            if answered_just_so(token=token, said=form.said):
                return redirect("renewal:done")
            return _unusable(request)
        except DomainError as refusal:
            add_refusal(form, refusal)
        else:
            return redirect("renewal:done")
    if link is None:
        return _unusable(request)
    expert = link.ask.expert
    context = {
        "campaign": link.ask.campaign,
        "expert": expert,
        "prefecture": BY_CODE[expert.prefecture_code].name if expert.prefecture_code in BY_CODE else "",
        "form": form,
    }
    return render(request, "renewal/answer.html", context)


@login_not_required
def done(request: HttpRequest) -> HttpResponse:
    """Thanks; says nothing about anybody."""
    return render(request, "renewal/done.html")
