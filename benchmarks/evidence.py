"""What every report of a measurement says about itself: machine, load, day, state of the source."""

import datetime as dt
import os
import platform
import subprocess

from benchmarks.scratch import ROOT

_JST = dt.timezone(dt.timedelta(hours=9))


def circumstances() -> dict[str, str]:
    """When, on what machine and from which source something is measured, by the words the reports use.

    Asked before a measurement that fills the machine itself, so that the load is that of others.
    """
    now = dt.datetime.now(_JST)
    return {
        "実施": f"{now.year}年{now.month}月{now.day}日 {now:%H:%M}（日本時間）",
        "機械": f"{platform.system()} {platform.machine()}、{os.cpu_count()} コア、Python {platform.python_version()}",
        "負荷（1分・5分・15分）": "、".join(f"{load:.1f}" for load in os.getloadavg()),
        "ソース": _commit(),
    }


def warning() -> list[str]:
    """A sentence for a report of milliseconds when the machine had more to do than it has cores for; else nothing."""
    cores = os.cpu_count() or 1
    if os.getloadavg()[1] <= 1.5 * cores:
        return []
    return [
        f"**ほかの仕事が同じ {cores} コアを使っていたため（負荷 {os.getloadavg()[1]:.0f}）、ミリ秒と毎秒の件数はこの構成の力を示しません。"
        "静かな機械で測り直してください。**",
        "",
    ]


def _commit() -> str:
    found = subprocess.run(
        ["git", "rev-parse", "--short=12", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return found.stdout.strip() or "（不明）"


def table(heads: list[str], rows: list[list[object]], numbers_from: int = 1) -> list[str]:
    """A Markdown table; columns from `numbers_from` on are aligned to the right."""
    rule = ["---" if n < numbers_from else "---:" for n in range(len(heads))]
    lines = [heads, rule, *([str(cell) for cell in row] for row in rows)]
    return [f"| {' | '.join(line)} |" for line in lines]
