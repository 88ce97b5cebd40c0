"""When and from where a person may be signed in."""

import datetime as dt
from collections.abc import Collection

from core import clock
from core.client_address import is_within, parse_address

from .models import User
from .sign_in_policy import networks_of

_DAY = dt.timedelta(days=1)


def within_hours(
    moment: dt.datetime, weekdays: Collection[int], start: dt.time | None, end: dt.time | None
) -> bool:
    """Whether a moment (Japan time) lies in the window: weekdays 1 (Monday) to 7, from `start` until before `end`.

    No weekdays means every day, no times the whole day. An `end` before `start` is on the next day, and the
    window belongs to the day on which it began; an end of 0:00 is midnight.
    """
    day, time = moment.isoweekday(), moment.time()
    if start is None or end is None:
        return not weekdays or day in weekdays
    if start < end:
        return start <= time < end and (not weekdays or day in weekdays)
    if time >= start:
        return not weekdays or day in weekdays
    return time < end and (not weekdays or (moment - _DAY).isoweekday() in weekdays)


def sign_in_refusal(user: User, address: str, role_networks: list[str] | None = None) -> str:
    """Why the person may not be signed in now from this address; empty when nothing stands against it.

    `role_networks` are the networks of the person's role where the caller has just read them; otherwise they are read.
    """
    if not within_hours(clock.now(), user.allowed_weekdays, user.allowed_from, user.allowed_until):
        return "このIDを使える曜日・時刻ではありません。"
    parsed = parse_address(address)
    of_role = networks_of(user.role) if role_networks is None else role_networks
    for networks in (of_role, user.allowed_networks):
        if networks and (parsed is None or not is_within(parsed, networks)):
            return "この接続元からは利用できません。"
    return ""
