"""The readings for Prometheus. For the inside: the proxy hides the address from everybody else (deploy/nginx)."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from .exposition import CONTENT_TYPE, exposed


@require_safe
@login_not_required
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """All readings as text. Always 200: a part that is away is a reading itself."""
    return HttpResponse(exposed(), content_type=CONTENT_TYPE)
