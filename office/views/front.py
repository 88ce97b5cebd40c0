"""The front door of all surfaces."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from accounts.models import Role
from core.errors import NotAllowed
from office.access import person


def front_door(request: HttpRequest) -> HttpResponse:
    """Leads each person to the surface of their role."""
    user = person(request)
    if user.sees_business:
        return redirect("office:home")
    if user.is_office:
        return redirect("office:administration")
    if user.role == Role.EXPERT:
        return redirect("expert:home")
    if user.role in (Role.INSTITUTION_CHIEF, Role.INSTITUTION_STAFF):
        return redirect("portal:home")
    raise NotAllowed(f"{user.get_role_display()}の画面は準備中です。ご用件は事務局へお問い合わせください。")
