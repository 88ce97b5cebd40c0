"""The addresses of /api/v1/."""

from django.urls import path
from drf_spectacular.renderers import OpenApiJsonRenderer, OpenApiYamlRenderer
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_view
from drf_spectacular.views import SpectacularAPIView
from rest_framework.authentication import SessionAuthentication
from rest_framework.permissions import IsAuthenticated

from portal_expert.api import REFUSALS, CheckEventsView
from portal_expert.authentication import TokenAuthentication

app_name = "api"

check_events = CheckEventsView.as_view()
# whatever it writes it writes in `acting`: hundreds of phones at once are spared two statements each
check_events.names_itself = True  # type: ignore[attr-defined]


# what is no text never reaches this address: it is refused as JSON, not in the description's own form
_NO_TEXT = {(400, "application/json"): REFUSALS[400]}
_REFUSED = {status: refusal for status, refusal in REFUSALS.items() if status != 400}


@extend_schema_view(
    get=extend_schema(
        responses={
            200: OpenApiResponse(OpenApiTypes.OBJECT, "このAPIの説明（OpenAPI 3）"),
            **_NO_TEXT,
            **_REFUSED,
        }
    )
)
class DescriptionView(SpectacularAPIView):
    """What the API takes and answers, for whoever may call it."""


urlpatterns = [
    path("check-events/", check_events, name="check_events"),
    path(
        "schema/",
        DescriptionView.as_view(
            renderer_classes=[OpenApiJsonRenderer, OpenApiYamlRenderer],
            authentication_classes=[TokenAuthentication, SessionAuthentication],
            permission_classes=[IsAuthenticated],
        ),
        name="schema",
    ),
]
