"""/c/<token>/: the client sees the visit's facts and confirms or objects. No account; opening it changes nothing."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from dispatch.services import FieldErrors, LinkUnusable, attest, link_of
from dispatch.services.attesting import answered_just_so
from portal_expert.forms.client import FIELD_OF, AnswerForm


def _unusable(request: HttpRequest) -> HttpResponse:
    """The same words for wrong, used, ended and replaced links."""
    return render(request, "client/unusable.html", {"message": LinkUnusable().message}, status=404)


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def attestation(request: HttpRequest, token: str) -> HttpResponse:
    """The facts of the visit, and the answer. The same answer sent twice is thanked for twice, and kept once."""
    form = AnswerForm(request.POST if request.method == "POST" else None)
    link = link_of(token)
    if form.is_bound and form.is_valid():
        try:
            attest(token=token, **form.said)
        except FieldErrors as problem:
            for name, why in problem.by_field.items():
                form.add_error(FIELD_OF.get(name), why)
        except LinkUnusable:
            return (
                redirect("client:done") if answered_just_so(token=token, **form.said) else _unusable(request)
            )
        else:
            return redirect("client:done")
    if link is None:
        return _unusable(request)
    context = {"visit": link.dispatch, "until": link.expires_at, "form": form}
    return render(request, "client/attestation.html", context)


@login_not_required
def done(request: HttpRequest) -> HttpResponse:
    """Thanks; says nothing about anybody."""
    return render(request, "client/done.html")
