"""The addresses of /api/v1/."""

from django.urls import path
from drf_spectacular.renderers import OpenApiJsonRenderer, OpenApiYamlRenderer
from drf_spectacular.views import SpectacularAPIView
from rest_framework.permissions import AllowAny

from portal_expert.api import CheckEventsView

app_name = "api"

urlpatterns = [
    path("check-events/", CheckEventsView.as_view(), name="check_events"),
    path(
        "schema/",
        SpectacularAPIView.as_view(
            renderer_classes=[OpenApiJsonRenderer, OpenApiYamlRenderer],
            # says how to call, nothing about anybody
            authentication_classes=[],
            permission_classes=[AllowAny],
        ),
        name="schema",
    ),
]
