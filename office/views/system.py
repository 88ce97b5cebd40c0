"""How the service stands, for the administrators: each reading with its judgement and what to do next."""

from itertools import groupby
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from core import clock
from core.metrics.judging import Judged, shown, worst
from core.metrics.judging import standing as taken
from core.metrics.limits import Level, Limit
from core.version import VERSION, commit
from office.access import office_view

_LOOKS = {
    Level.GOOD: ("success", "check"),
    Level.WARNING: ("warning", "alert"),
    Level.BAD: ("error", "cross-circle"),
}


@office_view("see_system")
def system(request: HttpRequest) -> HttpResponse:
    """Every reading beside its limits, the wrong ones first."""
    judged = taken()
    rows = [_row(limit, list(of_limit)) for limit, of_limit in groupby(judged, key=lambda each: each.limit)]
    rows.sort(key=lambda row: -int(row["level"]))
    level = worst(judged)
    context = {
        "section": "system",
        "rows": rows,
        "level": level,
        "tone": _LOOKS[level][0],
        "bad": sum(row["level"] is Level.BAD for row in rows),
        "warning": sum(row["level"] is Level.WARNING for row in rows),
        "at": clock.now(),
        "version": VERSION,
        "commit": commit(),
    }
    return render(request, "office/system/system.html", context)


def _row(limit: Limit, judged: list[Judged]) -> dict[str, Any]:
    level = worst(judged)
    tone, icon_name = _LOOKS[level]
    return {
        "limit": limit,
        "level": level,
        "word": level.word,
        "tone": tone,
        "icon_name": icon_name,
        "values": sorted(judged, key=lambda each: -int(each.level)),
        "limits": _limits_in_words(limit),
    }


def _limits_in_words(limit: Limit) -> str:
    """注意 10分以上・異常 1時間以上."""
    side = "以下" if limit.below else "以上"
    words = [
        f"{level.word} {shown(value, limit.unit)}{'' if limit.unit.is_yes else side}"
        for level, value in ((Level.WARNING, limit.warning), (Level.BAD, limit.bad))
        if value is not None
    ]
    return "・".join(words)
