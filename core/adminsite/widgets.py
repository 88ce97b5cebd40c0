"""Inputs of the admin that Django's own leave without a name."""

from typing import Any

from django.contrib.postgres.forms import RangeWidget
from django.forms import DateInput

_NAMES = ("最初の日", "終わりの日（この日は含まない）")


class DayRangeWidget(RangeWidget):
    """Two days, each with a name for those who can't see that they stand beside each other."""

    def __init__(self) -> None:
        super().__init__(DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        """What the template shows."""
        context: dict[str, Any] = super().get_context(name, value, attrs)
        for part, label in zip(context["widget"]["subwidgets"], _NAMES, strict=True):
            part["attrs"]["aria-label"] = label
        return context
