"""Readings beside their limits."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from celery import current_app

from core.jobs.registry import KINDS

from .limits import LIMITS, Level, Limit, Unit
from .registry import Reading, take

# What the labels are called where people read them; names of queues and slots are the operators' own words.
_WORDS = {
    "var": "作業用（VAR_DIR）",
    "evidence": "預かったファイル",
    "backup": "控え",
    "database": "データベース",
    "redis": "Redis",
    "disk": "ディスク",
    "certificate": "証明書",
    "service": "アプリケーション",
    "findings": "確認事項",
}


@dataclass(frozen=True)
class Judged:
    """One reading of a limit (or none, where there was no reading) and how it is judged."""

    limit: Limit
    level: Level
    value: float | None
    which: str

    @property
    def shown(self) -> str:
        """The value in words; rounded so that it never looks better than it is judged."""
        return "読めません" if self.value is None else shown(self.value, self.limit.unit, self.limit.below)


def judge(readings: Iterable[Reading]) -> list[Judged]:
    """Every limit with its readings, in the order of the table."""
    by_name: dict[str, list[Reading]] = {}
    for reading in readings:
        by_name.setdefault(reading.name, []).append(reading)
    judged = []
    for limit in LIMITS:
        found = by_name.get(limit.reading, [])
        judged += [
            Judged(limit, limit.level_of(each.value), each.value, _which(each.labels)) for each in found
        ]
        if not found and limit.when_absent is not None:
            judged.append(Judged(limit, limit.when_absent, None, ""))
    return judged


def standing() -> list[Judged]:
    """How the service stands at this moment."""
    return judge(take())


def worst(judged: Iterable[Judged]) -> Level:
    """The worst level of several; good when there are none."""
    return max((each.level for each in judged), default=Level.GOOD)


def shown(value: float, unit: Unit, below: bool = False) -> str:
    """A value as people read it: 3分20秒, 86％, 12日, 1.2GB, はい."""
    nearest = math.floor if below else math.ceil
    if unit is Unit.AGE:
        return _duration(value)
    if unit is Unit.RATIO:
        return f"{nearest(value * 1000) / 10:.1f}％"
    if unit is Unit.DAYS:
        return f"{nearest(value):,}日"
    if unit is Unit.BYTES:
        return size(value)
    if unit is Unit.YES:
        return "はい" if value else "いいえ"
    return f"{value:,.0f}件"


def size(value: float) -> str:
    """Bytes as people read them: 512B, 3.4MB, 1.2GB."""
    for name in ("B", "KB", "MB", "GB"):
        if value < 1024:
            return f"{value:,.0f}{name}" if name == "B" else f"{value:,.1f}{name}"
        value /= 1024
    return f"{value:,.1f}TB"


def _duration(value: float) -> str:
    whole = math.floor(value)
    if whole < 60:
        return f"{value:.1f}秒" if value < 10 else f"{whole}秒"
    if whole < 3600:
        minutes, seconds = divmod(whole, 60)
        return f"{minutes}分{seconds}秒" if seconds else f"{minutes}分"
    hours, rest = divmod(whole, 3600)
    if hours < 48:
        return f"{hours}時間{rest // 60}分" if rest >= 60 else f"{hours}時間"
    return f"{hours // 24}日{hours % 24}時間"


@cache
def _kind_names() -> dict[str, str]:
    """The kinds of jobs by their Japanese names; a web process hasn't loaded the work itself yet."""
    current_app.loader.import_default_modules()
    return {code: kind.name for code, kind in KINDS.items()}


def _which(labels: dict[str, str]) -> str:
    names = []
    for name, value in labels.items():
        if name == "kind":
            names.append(_kind_names().get(value, value))
        else:
            names.append(_WORDS.get(value, value))
    return "・".join(names)
