"""What every page needs to know."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest


def product(request: HttpRequest) -> dict[str, Any]:
    """The product's name and the mark of the environment, for the header."""
    return {"product_name": settings.PRODUCT_NAME, "environment_label": settings.ENVIRONMENT_LABEL}
