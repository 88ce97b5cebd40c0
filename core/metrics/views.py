"""The readings for Prometheus, for the inside: the proxy hides the address from everybody else (deploy/nginx), and so
does the view, should a proxy ever not."""

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from core.client_address import address_of, is_within, parse_address

from .exposition import CONTENT_TYPE, exposed


@require_safe
@login_not_required
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """All readings as text, 200 whatever is away: that is a reading itself. 404 outside settings.METRICS_NETWORKS."""
    address = parse_address(address_of(request))
    if address is None or not is_within(address, settings.METRICS_NETWORKS):
        raise Http404
    return HttpResponse(exposed(), content_type=CONTENT_TYPE)
