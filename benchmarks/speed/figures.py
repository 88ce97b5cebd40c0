"""What was measured, as rows: kept as JSON part by part, and written out as one table."""

import datetime as dt
import json
import os
import platform
import statistics
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from benchmarks.scratch import ROOT

EVIDENCE = ROOT / "docs" / "evidence"
ORDER = ("close", "close-scale", "huge", "load", "load-scale", "papers")
"""In which order the parts stand in the record."""


@dataclass(frozen=True)
class Figure:
    """One row: our samples beside those of the bound, taken in turn in the same run.

    `ratio` is the median of the pairs' ratios where both have equally many samples, else that of the medians; it is
    left out where there is nothing to compare. `wanted` says in words what is asked for, `met` whether it is so.
    """

    what: str
    count: int
    unit: str
    ours: Sequence[float]
    bound_name: str = ""
    bound: Sequence[float] = ()
    wanted: str = ""
    met: bool | None = None
    note: str = ""
    ratio: float | None = None

    def __post_init__(self) -> None:
        if self.ratio is None and self.bound:
            object.__setattr__(self, "ratio", ratio(self.ours, self.bound))


@dataclass
class Part:
    """The rows of one part, with when and how they came about."""

    name: str
    title: str
    figures: list[Figure] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def ratio(ours: Sequence[float], bound: Sequence[float]) -> float:
    """Ours to the bound's, pair by pair."""
    if len(ours) == len(bound):
        return statistics.median(a / b for a, b in zip(ours, bound, strict=True))
    return statistics.median(ours) / statistics.median(bound)


def spread(samples: Sequence[float], unit: str) -> str:
    """`5.11（4.98～5.30）`: median, least and most."""
    if not samples:
        return "-"
    middle = _number(statistics.median(samples))
    if len(samples) == 1:
        return f"{middle} {unit}"
    return f"{middle} {unit}（{_number(min(samples))}～{_number(max(samples))}）"


def _number(value: float) -> str:
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def machine() -> dict[str, Any]:
    """What it was measured on."""
    model = ""
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        model = next((line.partition(":")[2].strip() for line in file if line.startswith("model name")), "")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "processor": model,
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(memory, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def _postgres() -> str:
    from django.db import connections

    with connections["default"].cursor() as cursor:
        cursor.execute("SHOW server_version")
        return str(cursor.fetchone()[0]).split()[0]


def _commit() -> str:
    found = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return found.stdout.strip() or "-"


def begin() -> dict[str, Any]:
    """The circumstances of a part: when, how busy the machine was, which version of the product."""
    return {
        "at": dt.datetime.now(ZoneInfo("Asia/Tokyo")).isoformat(timespec="seconds"),
        "load_before": round(os.getloadavg()[0], 2),
        "commit": _commit(),
        "postgresql": _postgres(),
        **machine(),
    }


def keep(part: Part, circumstances: dict[str, Any], folder: Path = EVIDENCE) -> dict[str, Any]:
    """Puts a part's rows in place of those it had, and writes JSON and table anew; answers everything."""
    place = folder / "speed.json"
    kept: dict[str, Any] = json.loads(place.read_text(encoding="utf-8")) if place.exists() else {"parts": {}}
    rows = []
    for figure in part.figures:
        row = asdict(figure)
        row["ours"], row["bound"] = ([round(x, 4) for x in row[side]] for side in ("ours", "bound"))
        row["ours_median"] = round(statistics.median(figure.ours), 4) if figure.ours else None
        row["bound_median"] = round(statistics.median(figure.bound), 4) if figure.bound else None
        row["ratio"] = None if figure.ratio is None else round(figure.ratio, 3)
        rows.append(row)
    kept["parts"][part.name] = {
        "title": part.title,
        **circumstances,
        "load_after": round(os.getloadavg()[0], 2),
        "remarks": part.remarks,
        "figures": rows,
    }
    kept["parts"] = {name: kept["parts"][name] for name in ORDER if name in kept["parts"]}
    folder.mkdir(parents=True, exist_ok=True)
    place.write_text(json.dumps(kept, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    (folder / "speed.md").write_text(document(kept), encoding="utf-8")
    return kept


def table(rows: Sequence[dict[str, Any]]) -> list[str]:
    """The rows as a Markdown table."""
    lines = [
        "| 測ったもの | 件数 | 本製品: 中央値（最小～最大） | 比べる相手 | 相手: 中央値（最小～最大） | 比 | 求める値 | 満たすか |",
        "|---|---:|---:|---|---:|---:|---|---|",
    ]
    for row in rows:
        met = {True: "はい", False: "**いいえ**", None: "-"}[row["met"]]
        rated = "-" if row["ratio"] is None else f"{row['ratio']:.2f}"
        lines.append(
            f"| {row['what']} | {row['count']:,} | {spread(row['ours'], row['unit'])} | {row['bound_name'] or '-'} |"
            f" {spread(row['bound'], row['unit'])} | {rated} | {row['wanted'] or '-'} | {met} |"
        )
    return lines


def document(kept: dict[str, Any]) -> str:
    """docs/evidence/speed.md."""
    every = [row for part in kept["parts"].values() for row in part["figures"]]
    missed = [row["what"] for row in every if row["met"] is False]
    wanted = sum(row["met"] is not None for row in every)
    lines = [
        "# 速さ",
        "",
        "`make bench` が書いた記録です。比は、本製品と相手を同じ回の中で交互に測った値の比の中央値です（1 より小さいほど本製品が速い、"
        "または少ない）。機械はほかの仕事と共用のため、秒そのものより比をご覧ください。",
        "",
        f"**結果: 求める値 {wanted} 件のうち {wanted - len(missed)} 件を満たしています。**"
        + (f" 満たさないもの: {'、'.join(missed)}。" if missed else ""),
        "",
    ]
    for name, part in kept["parts"].items():
        at = dt.datetime.fromisoformat(part["at"])
        lines += [
            f"## {part['title']}",
            "",
            f"{at:%Y年%m月%d日 %H:%M}（日本時間）、版 `{part['commit']}`、{part['processor']} の {part['cores']} コア、"
            f"メモリー {part['memory_gb']} GB、{part['system']}、Python {part['python']}、PostgreSQL {part['postgresql']}。"
            f"1分の負荷の平均は始めに {part['load_before']}、終わりに {part['load_after']}。"
            f"これだけ測り直す: `python -m benchmarks.speed {name}`",
            "",
            *table(part["figures"]),
            "",
            *(f"- {row['what']}: {row['note']}" for row in part["figures"] if row["note"]),
            *(f"- {remark}" for remark in part["remarks"]),
            "",
        ]
    return "\n".join(lines)
