"""The product's addresses, and the planted ones beside them."""

from benchmarks.security import planted_site
from config import urls
from config.urls import handler400, handler500  # noqa: F401

urlpatterns = [*urls.urlpatterns, *planted_site.urlpatterns]
