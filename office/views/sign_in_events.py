"""The administrators' home, the record of sign-ins, and alarms."""

import datetime as dt

from allauth.mfa.models import Authenticator
from django.contrib import messages
from django.db.models import Exists, OuterRef, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from accounts import limiter
from accounts.models import SECOND_FACTOR_ROLES, Alarm, SignInEvent, User
from core import clock
from core.audit.acting import acting
from core.client_address import parse_address
from office.access import office_view, person
from office.lists import page_of
from office.waiting import everything_waiting

_FACTOR = Authenticator.objects.filter(user=OuterRef("pk"), type=Authenticator.Type.TOTP)
_FAILURES = (SignInEvent.Kind.FAILED, SignInEvent.Kind.CODE_FAILED)


@office_view("manage_users")
def administration(request: HttpRequest) -> HttpResponse:
    """What an administrator of the office must look at."""
    day = clock.now() - dt.timedelta(days=1)
    context = {
        "section": "administration",
        "alarms": Alarm.objects.filter(seen_at__isnull=True).select_related("user"),
        "queue": everything_waiting(person(request)),
        "locks": limiter.locks(),
        "failures": SignInEvent.objects.filter(kind__in=_FAILURES, at__gte=day).count(),
        "sign_ins": SignInEvent.objects.filter(kind=SignInEvent.Kind.SIGNED_IN, at__gte=day).count(),
        "without_factor": User.objects.filter(is_active=True, role__in=SECOND_FACTOR_ROLES)
        .exclude(Exists(_FACTOR))
        .count(),
        "unused": User.objects.filter(is_active=True, last_login__isnull=True).count(),
    }
    return render(request, "office/sign_in/administration.html", context)


def _day(text: str) -> dt.date | None:
    """A day as the date field sends it; None for anything else, also for years no record can have."""
    try:
        day = dt.date.fromisoformat(text)
    except ValueError:
        return None
    return day if 2000 <= day.year < 2200 else None


def _start_of(day: dt.date) -> dt.datetime:
    return clock.from_jst(dt.datetime.combine(day, dt.time()))


@office_view("manage_users")
def sign_in_event_list(request: HttpRequest) -> HttpResponse:
    """Sign-ins, failures and locks, by person, kind, period and address."""
    rows = SignInEvent.objects.select_related("user", "actor")
    if words := request.GET.get("q", "").strip():
        rows = rows.filter(
            Q(user__username__icontains=words)
            | Q(user__last_name__icontains=words)
            | Q(user__first_name__icontains=words)
        )
    if kind := request.GET.get("kind"):
        rows = rows.filter(kind=kind)
    if first := _day(request.GET.get("from", "")):
        rows = rows.filter(at__gte=_start_of(first))
    if last := _day(request.GET.get("until", "")):
        rows = rows.filter(at__lt=_start_of(last) + dt.timedelta(days=1))
    if given := request.GET.get("address", "").strip():
        address = parse_address(given)
        rows = rows.filter(address=str(address)) if address else rows.none()
    context = {
        "section": "sign_ins",
        "page": page_of(request, rows),
        "kinds": SignInEvent.Kind.choices,
        "locks": limiter.locks(),
    }
    return render(request, "office/sign_in/events.html", context)


@require_POST
@office_view("manage_users")
def alarm_seen(request: HttpRequest, pk: int) -> HttpResponse:
    """An administrator has looked at an alarm and says what was done."""
    with acting(person(request), "alarm_seen"):
        alarm = get_object_or_404(Alarm.objects.select_for_update().filter(seen_at__isnull=True), pk=pk)
        alarm.seen_at, alarm.seen_by = clock.now(), person(request)
        alarm.note = request.POST.get("note", "").replace("\0", "")[:500]
        alarm.save(update_fields=["seen_at", "seen_by", "note"])
    messages.success(request, "警報を確認済みにしました。")
    return redirect("office:administration")
