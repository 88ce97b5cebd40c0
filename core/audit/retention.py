"""How long history stays in the database (security.md R-030): 400 days by default, never below 31."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.core.exceptions import ImproperlyConfigured

FLOOR_DAYS = 31


def retention_days() -> int:
    """The days of settings.AUDIT_RETENTION_DAYS. Refuses a number below the floor; the database refuses it, too."""
    days = int(settings.AUDIT_RETENTION_DAYS)
    if days < FLOOR_DAYS:
        raise ImproperlyConfigured(
            f"AUDIT_RETENTION_DAYS は {FLOOR_DAYS} 以上にしてください（今は {days}）。"
        )
    return days


@register()
def check_retention(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """A command refuses to start with a retention below the floor."""
    try:
        retention_days()
    except ImproperlyConfigured as error:
        return [Error(str(error), id="audit.E001")]
    return []
