"""What the phone asks for by itself: who is signed in, the service worker, the manifest."""

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.templatetags.static import static
from django.urls import reverse

from portal_expert.access import expert_view, person


@expert_view
def session(request: HttpRequest) -> HttpResponse:
    """Who is signed in, and the key with which this page may send. The queue sends nothing without asking."""
    return JsonResponse({"person": str(person(request).pk), "csrf": get_token(request)})


@login_not_required
def worker(request: HttpRequest) -> HttpResponse:
    """The service worker; it stands here because its address says which pages it serves."""
    return render(request, "expert/worker.js", content_type="text/javascript; charset=utf-8")


@login_not_required
def manifest(request: HttpRequest) -> HttpResponse:
    """What a phone needs to install the pages."""
    return JsonResponse(
        {
            "id": reverse("expert:home"),
            "name": f"{settings.PRODUCT_NAME}（専門家）",
            "short_name": "専門家派遣",
            "lang": "ja",
            "start_url": reverse("expert:home"),
            "scope": reverse("expert:home"),
            "display": "standalone",
            "background_color": "#ffffff",
            "theme_color": "#0017c1",
            "icons": [
                {
                    "src": static("icons/favicon.svg"),
                    "sizes": "any",
                    "type": "image/svg+xml",
                    "purpose": "any",
                }
            ],
        },
        content_type="application/manifest+json",
    )
