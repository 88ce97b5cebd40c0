"""The product's own security tests, named by the rows of the requirements (rows.csv): row, tests, result."""

import csv
import os
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

from benchmarks.security.outcomes import HERE, ROOT

ROWS = HERE / "rows.csv"
PASSED, FAILED, NOT_THERE, WITHOUT = "合格", "不合格", "テストが見つからない", "テストなし"


@dataclass
class Row:
    """One requirement: its id, what it asks for, its tests (`file` or `file::beginning of a name`), why some have none."""

    id: str
    demand: str
    tests: list[str]
    note: str
    passed: int = 0
    failed: int = 0

    @property
    def result(self) -> str:
        """In a word."""
        if not self.tests:
            return WITHOUT
        if self.failed:
            return FAILED
        return PASSED if self.passed else NOT_THERE


def rows() -> list[Row]:
    """The table of rows.csv."""
    with ROWS.open(encoding="utf-8", newline="") as file:
        return [
            Row(one["row"], one["demand"], one["tests"].split(), one["without"])
            for one in csv.DictReader(file)
        ]


def run_tests(place: Path, seconds: float) -> tuple[list[Row], str, float]:
    """Runs every file named in the table once; answers the rows with their counts, a trouble (or none), the seconds."""
    found = rows()
    files = sorted({test.partition("::")[0] for row in found for test in row.tests})
    report = place / "own.xml"
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "config.settings.test",
        "VAR_DIR": str(place / "own-var"),
        "EMBEDDED_FSYNC": "off",
    }
    began, trouble = time.monotonic(), ""
    with (place / "own.log").open("wb") as log:
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "pytest",
                "-q",
                "-n",
                "2",
                "--dist",
                "worksteal",
                f"--junitxml={report}",
                "-o",
                "junit_family=xunit1",
            ]
            + files,
            cwd=ROOT,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)  # what has run is written down
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                # its workers and what their tests have started, too
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            trouble = f"{seconds:.0f} 秒で終わらない"
    subprocess.run(
        [sys.executable, "-m", "config.servers", "stop"],
        cwd=ROOT,
        env=environment,
        check=False,
        capture_output=True,
    )
    if not report.exists():
        return (
            found,
            trouble or (place / "own.log").read_text(errors="replace")[-500:],
            time.monotonic() - began,
        )
    cases = []
    for case in ET.parse(report).getroot().iter("testcase"):
        failed = case.find("failure") is not None or case.find("error") is not None
        skipped = case.find("skipped") is not None
        path = case.get("file") or (case.get("classname", "").replace(".", "/") + ".py")
        cases.append((path, case.get("name", ""), failed, skipped))
    for row in found:
        for path, name, failed, skipped in cases:
            if any(_named(test, path, name) for test in row.tests):
                row.failed += failed
                row.passed += not failed and not skipped
    return found, trouble, time.monotonic() - began


def _named(test: str, path: str, name: str) -> bool:
    file, _, beginning = test.partition("::")
    return path == file and name.startswith(beginning)
