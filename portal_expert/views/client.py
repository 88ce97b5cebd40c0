"""/c/<token>/: the client sees the visit's facts and confirms or objects. No account; opening it changes nothing."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from dispatch.services import FieldErrors, LinkUnusable, attest, link_of

CONFIRM, OBJECT = "confirm", "object"


def _unusable(request: HttpRequest) -> HttpResponse:
    """The same words for wrong, used, ended and replaced links."""
    return render(request, "client/unusable.html", {"message": LinkUnusable().message}, status=404)


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def attestation(request: HttpRequest, token: str) -> HttpResponse:
    """The facts of the visit, and the answer."""
    link = link_of(token)
    if link is None:
        return _unusable(request)
    typed = {"name": "", "comment": ""}
    errors: dict[str, str] = {}
    if request.method == "POST":
        typed = {key: request.POST.get(key, "") for key in typed}
        answer = request.POST.get("answer")
        if answer not in (CONFIRM, OBJECT):
            errors = {"回答": "「このとおりです」か「違うところがあります」を選んでください。"}
        else:
            try:
                attest(token=token, confirmed=answer == CONFIRM, **typed)
            except FieldErrors as problem:
                errors = problem.by_field
            except LinkUnusable:
                return _unusable(request)
            else:
                return redirect("client:done")
    context = {"visit": link.dispatch, "until": link.expires_at, "typed": typed, "errors": errors}
    return render(request, "client/attestation.html", context)


@login_not_required
def done(request: HttpRequest) -> HttpResponse:
    """Thanks; says nothing about anybody."""
    return render(request, "client/done.html")
