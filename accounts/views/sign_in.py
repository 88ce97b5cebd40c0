"""Signing in, confirming, and one's own sessions."""

from typing import Any

from allauth.account.internal.flows.reauthentication import reauthenticate_by_password
from allauth.account.views import LoginView
from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from accounts import reauthentication
from accounts.forms import ConfirmForm
from accounts.models import SignInEvent, User
from accounts.records import record_event

# Why a sign-in ended, as the address of the sign-in page says it.
REASONS = {
    "idle": "しばらく操作がなかったため、ログアウトしました。",
    "absolute": "ログインの最長時間を過ぎたため、ログアウトしました。",
    "limits": "このIDを使える時間または接続元から外れたため、ログアウトしました。",
}


class SignInView(LoginView):
    """The one sign-in page of every surface."""

    template_name = "registration/login.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Adds why the person was signed out, and where to go on."""
        return {
            **super().get_context_data(**kwargs),
            "ended": REASONS.get(self.request.GET.get("why", ""), ""),
            "next": self.get_next_url() or "",
        }


def admin_sign_in(request: HttpRequest) -> HttpResponse:
    """The admin has no sign-in page of its own."""
    target = request.GET.get("next") or reverse("admin:index")
    return redirect(f"{reverse('login')}?{urlencode({'next': target})}")


admin_sign_in.login_required = False  # type: ignore[attr-defined]


def _signed_in(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # the sign-in middleware has made sure
    return request.user


def _target(request: HttpRequest) -> str:
    """Where to go on: an address of ours, else the front door."""
    asked = request.POST.get("next") or request.GET.get("next") or ""
    if url_has_allowed_host_and_scheme(
        asked, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    ):
        return asked
    return reverse("home")


@never_cache
@sensitive_post_parameters("password", "code")
def reauthenticate(request: HttpRequest) -> HttpResponse:
    """Asks for the password or a code once more, then goes on with what was to be done."""
    user, target = _signed_in(request), _target(request)
    form = ConfirmForm(request.POST or None, request=request, user=user)
    if request.method == "POST" and form.is_valid():
        reauthentication.confirm(request)
        reauthenticate_by_password(request)
        record_event(SignInEvent.Kind.CONFIRMED, user, request)
        suspended = reauthentication.take_suspended(request, target)
        if suspended is not None:
            return render(request, "account/resume.html", suspended)
        return HttpResponseRedirect(target)
    if getattr(request, "axes_locked_out", False):
        # whoever guesses at an open session loses it
        record_event(SignInEvent.Kind.SESSIONS_ENDED, user, request, detail="再確認の失敗")
        request.ended_by_us = True  # type: ignore[attr-defined]
        logout(request)
    return render(request, "account/reauthenticate.html", {"form": form, "next": target})


def own_sessions(request: HttpRequest) -> HttpResponse:
    """Where the person is signed in, and the latest sign-ins."""
    user = _signed_in(request)
    sessions = sorted(UserSession.objects.purge_and_list(user), key=lambda one: one.created_at, reverse=True)
    context = {
        "sessions": sessions,
        "current": request.session.session_key,
        "events": user.sign_in_events.all()[:20],
    }
    return render(request, "usersessions/usersession_list.html", context)


@require_POST
def end_own_session(request: HttpRequest, pk: int) -> HttpResponse:
    """Ends one session of the person's own."""
    user = _signed_in(request)
    session = get_object_or_404(UserSession, pk=pk, user=user)
    if session.session_key == request.session.session_key:
        messages.error(request, "いま使っているものは、ログアウトで終えてください。")
    else:
        session.end()
        record_event(SignInEvent.Kind.SESSIONS_ENDED, user, request, detail="本人")
        messages.success(request, "ほかの端末のログインを終えました。")
    return redirect("usersessions_list")


@require_POST
def end_other_sessions(request: HttpRequest) -> HttpResponse:
    """Ends all sessions of the person but this one."""
    user = _signed_in(request)
    for session in UserSession.objects.filter(user=user).exclude(session_key=request.session.session_key):
        session.end()
    record_event(SignInEvent.Kind.SESSIONS_ENDED, user, request, detail="本人（ほかすべて）")
    messages.success(request, "ほかの端末のログインをすべて終えました。")
    return redirect("usersessions_list")
