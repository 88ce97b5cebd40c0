"""`make evidence`: parts run one after the other, one that fails stops none, and the index says what came of each."""

import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from docs.evidence.__main__ import PARTS, ROOT, Part, main, run


@dataclass(frozen=True)
class Scripted(Part):
    """A part that is a line of Python."""

    line: str = ""

    @property
    def command(self) -> list[str]:
        return [sys.executable, "-c", self.line]


def parts(folder: Path) -> tuple[Part, ...]:
    return (
        Scripted("bad", "失敗する", "bad", "bad.md", line="import sys; sys.exit(3)"),
        Scripted(
            "good", "成功する", "good", "good.md", line=f"open({str(folder / 'good.md')!r}, 'w').close()"
        ),
    )


def test_a_part_that_fails_stops_no_other_and_the_index_tells_both(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([], parts(tmp_path), tmp_path) == 1
    index = (tmp_path / "README.md").read_text()
    bad, good = (line for line in index.splitlines() if re.match(r"\| \[?(bad|good)", line))
    assert "不合格（終了状態 3）" in bad
    assert good.startswith("| [good](good.md) |") and "合格 |" in good
    assert "bad" in capsys.readouterr().err
    # a part that isn't run again keeps what it showed
    assert main(["good"], parts(tmp_path), tmp_path) == 0
    assert "不合格（終了状態 3）" in (tmp_path / "README.md").read_text()
    assert json.loads((tmp_path / "runs.json").read_text())["bad"]["status"] == 3


def test_the_index_alone_runs_nothing_and_shows_reports_made_by_themselves(tmp_path: Path) -> None:
    (tmp_path / "good.md").touch()
    assert main(["index"], parts(tmp_path), tmp_path) == 0
    index = (tmp_path / "README.md").read_text()
    assert "| [good](good.md) | 成功する | 単独で実施" in index
    assert "| bad | 失敗する | まだ行っていない |" in index
    assert not (tmp_path / "runs.json").exists()


def test_an_unknown_part_is_refused_before_anything_runs(tmp_path: Path) -> None:
    assert main(["good", "other"], parts(tmp_path), tmp_path) == 2
    assert list(tmp_path.iterdir()) == []


def test_a_part_that_takes_too_long_is_ended_with_all_it_started(tmp_path: Path) -> None:
    line = (
        "import subprocess, sys; "
        f"child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'], stdout=open({str(tmp_path / 'out')!r}, 'w')); "
        "child.wait()"
    )
    kept = run(Scripted("slow", "", "slow", "slow.md", hours=1 / 3600, line=line))
    assert kept["status"] == -1
    assert kept["seconds"] < 30


def test_every_part_is_a_target_of_the_makefile_with_a_line_of_help() -> None:
    helped = set(re.findall(r"^([a-z]+):.*## ", (ROOT / "Makefile").read_text(), re.M))
    assert {part.target for part in PARTS} | {"evidence"} <= helped
