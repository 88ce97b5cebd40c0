"""The expert's own keys to /api/v1/: made, shown once, revoked."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts import reauthentication
from core.audit.services import record_page
from core.errors import DomainError, NotAllowed
from portal_expert.access import expert_view, person
from portal_expert.forms.tokens import TokenForm
from portal_expert.models import ApiToken
from portal_expert.tokens import issue_token, revoke_token


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@expert_view
def token_list(request: HttpRequest) -> HttpResponse:
    """The own keys; a POST makes one, after the person has lately said who they are, and shows it this once."""
    posted = request.method == "POST"
    if posted and not reauthentication.is_recent(request):
        return reauthentication.suspend(request)
    user = person(request)
    form = TokenForm(request.POST if posted else None)
    text = ""
    if posted and form.is_valid():
        try:
            made, text = issue_token(user=user, actor=user, **form.cleaned_data)
        except NotAllowed:
            raise
        except DomainError as refusal:
            form.add_error(None, refusal.message)
        else:
            messages.success(request, f"APIトークン「{made.name}」を発行しました。")
            form = TokenForm()
    rows = list(ApiToken.objects.visible_to(user).filter(user=user))
    record_page(actor=user, rows=rows)
    context = {"section": "tokens", "tokens": rows, "form": form, "text": text}
    return render(request, "expert/tokens/list.html", context)


@require_POST
@expert_view
def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """The key opens nothing any more; again changes nothing."""
    user = person(request)
    token = get_object_or_404(ApiToken.objects.visible_to(user).filter(user=user), pk=pk)
    revoke_token(token=token, actor=user)
    messages.success(request, f"APIトークン「{token.name}」を失効しました。")
    return redirect("expert:tokens")
