"""The one clock. Tests freeze it; nothing else asks the system for the time."""

import datetime as dt
from zoneinfo import ZoneInfo

from django.utils import timezone

JST = ZoneInfo("Asia/Tokyo")


def now() -> dt.datetime:
    """This moment, aware, in Japan's time."""
    return timezone.now().astimezone(JST)


def today() -> dt.date:
    """Today's date in Japan."""
    return now().date()


def jst(value: dt.datetime) -> dt.datetime:
    """An aware time as naive Japan time, the form the rules take."""
    return value.astimezone(JST).replace(tzinfo=None)


def from_jst(value: dt.datetime) -> dt.datetime:
    """A naive Japan time as an aware one, the form the database takes."""
    return value.replace(tzinfo=JST)
