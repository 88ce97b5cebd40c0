"""The front door, the health check, and the office's start page."""

from django.contrib.auth.decorators import login_not_required
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect


def front_door(request: HttpRequest) -> HttpResponse:
    """Leads each person to the surface of their role."""
    return redirect("admin:index")


@login_not_required
def healthz(request: HttpRequest) -> JsonResponse:
    """Alive: the process answers and reaches its database."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return JsonResponse({"status": "ok"})
