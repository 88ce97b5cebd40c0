"""Holes planted beside the product in the attacked installation: each attacking tool must find its own."""

from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.authentication import SessionAuthentication
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from portal_expert.authentication import TokenAuthentication


@login_not_required
def front(request: HttpRequest) -> HttpResponse:
    """Leads to the others."""
    return HttpResponse(
        '<html><body><a href="/planted/sql/?word=abc">1</a> <a href="/planted/script/?name=abc">2</a></body></html>'
    )


@login_not_required
def sql(request: HttpRequest) -> HttpResponse:
    """A word of the request within the SQL."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT code, name FROM institutions_institution WHERE name = '{request.GET.get('word', '')}'"
        )
        rows = cursor.fetchall()
    return HttpResponse(f"<html><body>{len(rows)} found {rows}</body></html>")


@login_not_required
def script(request: HttpRequest) -> HttpResponse:
    """A word of the request within the page, as it came."""
    return HttpResponse(f"<html><body>{request.GET.get('name', '')}</body></html>")


class CountSerializer(serializers.Serializer[Any]):
    count = serializers.IntegerField()


class PlantedView(APIView):
    """Answers something else than its description says."""

    authentication_classes = (TokenAuthentication, SessionAuthentication)
    permission_classes = (AllowAny,)

    @extend_schema(operation_id="planted", responses=CountSerializer)
    def get(self, request: Request) -> Response:
        """A text where a number is promised."""
        return Response({"count": "many"})


urlpatterns = [
    path("planted/", front),
    path("planted/sql/", sql),
    path("planted/script/", script),
    path("planted/api/", login_not_required(PlantedView.as_view())),
]
