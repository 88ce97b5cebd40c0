"""`make security`: runs everything and writes docs/evidence/security.md; 1 when something above "info" is open.

`python -m benchmarks.security [--only rows|source|attack …]` runs a part, to look at it; the report is written when all run.
"""

import fcntl
import os
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.security.attacks import attack
from benchmarks.security.crawl import Crawl, crawl
from benchmarks.security.instance import CannotRun, Instance
from benchmarks.security.outcomes import Outcome, acceptances, sorted_out
from benchmarks.security.own_tests import FAILED, NOT_THERE, Row, run_tests
from benchmarks.security.reading import read_sources
from benchmarks.security.report import write

PARTS = ("rows", "source", "attack")
# On two quiet cores the tests take nine minutes; beside other work they may take longer.
ROWS_SECONDS, ATTACK_SECONDS = 900, 300


def attacked(seconds: float) -> tuple[list[Outcome], list[Crawl]]:
    """Sets up an installation, attacks it, and throws it away."""
    instance = Instance()
    try:
        instance.start()
        with ThreadPoolExecutor(2) as pool:
            crawls = list(pool.map(lambda person: crawl(instance, person), instance.people))
        with tempfile.TemporaryDirectory(prefix="attacks-") as place:
            return attack(instance, crawls, Path(place), seconds), crawls
    except CannotRun as why:
        return [Outcome("attack", trouble=str(why))], []
    finally:
        instance.end()


def main(asked: list[str]) -> int:
    """Runs the parts; 0 when nothing is open."""
    parts = [word for word in asked if not word.startswith("-")] or list(PARTS)
    if unknown := set(parts) - set(PARTS):
        print(f"知らない部分です: {unknown}（{PARTS}）", file=sys.stderr)
        return 2
    began = time.monotonic()
    outcomes: list[Outcome] = []
    rows: list[Row] = []
    crawls: list[Crawl] = []
    trouble, rows_seconds = "", 0.0
    if "source" in parts:
        outcomes += read_sources()
    if "rows" in parts:
        # a server that a killed test has left may still write while its folder goes
        with tempfile.TemporaryDirectory(prefix="own-", ignore_cleanup_errors=True) as place:
            os.chmod(place, 0o755)
            rows, trouble, rows_seconds = run_tests(Path(place), ROWS_SECONDS)
        print(f"  テスト: {rows_seconds:.0f} 秒 {trouble}", file=sys.stderr)
    if "attack" in parts:
        more, crawls = attacked(ATTACK_SECONDS)
        outcomes += more
    findings = [finding for outcome in outcomes for finding in outcome.findings]
    still, settled = sorted_out(findings, acceptances())
    failing = [f"{outcome.tool}: {outcome.trouble}" for outcome in outcomes if outcome.trouble]
    failing += [f"{row.id}: {row.result}" for row in rows if row.result in (FAILED, NOT_THERE)]
    failing += [f"テスト: {trouble}"] if trouble else []
    for finding in still:
        print(
            f"  開いている: {finding.tool} {finding.level} {finding.rule} {finding.place}:{finding.line} {finding.text[:160]}"
        )
    for one in failing:
        print(f"  合格しない: {one}")
    report = write(
        outcomes, rows, crawls, still, settled, failing, parts, time.monotonic() - began, rows_seconds
    )
    print(f"記録: {report}（{time.monotonic() - began:.0f} 秒）")
    return int(bool(still or failing))


if __name__ == "__main__":
    with (Path(tempfile.gettempdir()) / "security-check.lock").open("w") as lock:
        # two at once would measure each other's servers
        fcntl.flock(lock, fcntl.LOCK_EX)
        sys.exit(main(sys.argv[1:]))
