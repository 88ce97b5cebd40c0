"""The surfaces and where they are (design.md §3)."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from core.metrics.views import metrics
from core.web import health
from office.views.front import front_door

handler400 = "core.web.refusals.bad_request"
handler500 = "core.web.outages.server_error"

urlpatterns: list[URLPattern | URLResolver] = [
    path("", front_door, name="home"),
    path("healthz", health.live, name="healthz"),
    path("healthz/ready", health.ready, name="healthz_ready"),
    path("metrics", metrics, name="metrics"),
    path("", include("accounts.urls")),
    path("office/", include("office.urls")),
    path("portal/", include("portal_institution.urls")),
    path("expert/", include("portal_expert.urls")),
    path("receipts/", include("dispatch.receipt_urls")),
    path("registrations/certificates/", include("experts.registration.certificate_urls")),
    path("join/", include("portal_expert.join_urls")),
    path("c/", include("portal_expert.client_urls")),
    path("r/", include("portal_expert.registration_entry.urls")),
    path("renew/", include("portal_expert.renewal_urls")),
    path("y/", include("portal_institution.operator_urls")),
    path("api/v1/", include("portal_expert.api_urls")),
    path("admin/", admin.site.urls),
]
