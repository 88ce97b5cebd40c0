"""Enrolling an authenticator app, and what one has enrolled."""

from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.totp.views import ActivateTOTPView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts.forms import EnrolForm
from accounts.models import User
from accounts.second_factor import is_compulsory


class EnrolView(ActivateTOTPView):
    """Shows a secret to scan and asks for the first code."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Adds whether the person may go on without."""
        user = self.request.user
        assert isinstance(user, User)
        return {**super().get_context_data(**kwargs), "compulsory": is_compulsory(user)}

    def form_valid(self, form: EnrolForm) -> HttpResponse:
        """The code that enrolled is used up, too."""
        response: HttpResponse = super().form_valid(form)
        app = Authenticator.objects.get(user=form.user, type=Authenticator.Type.TOTP)
        app.data["last_counter"] = form.counter
        app.save(update_fields=["data"])
        return response


def second_factor(request: HttpRequest) -> HttpResponse:
    """What the person has enrolled, and what can be done about it."""
    user = request.user
    assert isinstance(user, User)
    own = {one.type: one for one in Authenticator.objects.filter(user=user)}
    recovery = own.get(Authenticator.Type.RECOVERY_CODES)
    context = {
        "app": own.get(Authenticator.Type.TOTP),
        "codes_left": len(recovery.wrap().get_unused_codes()) if recovery else 0,
        "compulsory": is_compulsory(user),
    }
    return render(request, "mfa/index.html", context)
