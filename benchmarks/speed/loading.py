"""Loading exchange files beside plain COPY of the same bytes and beside django-import-export's bulk mode."""

import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.generate import Month
from benchmarks.scratch import ROOT, copied_database, scratch_database
from benchmarks.speed.close import DISPATCHES, EXPERTS
from benchmarks.speed.figures import Figure, Part

FILES = ("dispatches", "check_events", "declarations", "travel_claims")
ROUNDS, BULK_ROUNDS, LARGE_ROUNDS = 5, 2, 2
ROWS_PER_SECOND, SCALE_AT_MOST = 10_000, 1.3
# Memory may grow by this much from a month to ten times that, and is still called flat.
FLAT_MB = 32
COPY = "同じファイルを素の COPY"
BULK = "django-import-export の一括モード（use_bulk）"


def load_once(environment: dict[str, str], how: str, folder: Path) -> dict[str, Any]:
    """Loads a folder in a process of its own; `whole` is its seconds with the interpreter's start."""
    command = [sys.executable, "-m", "benchmarks.speed.load_step", how, str(folder)]
    before = time.perf_counter()
    done = subprocess.run(command, env=environment, cwd=ROOT, check=True, stdout=subprocess.PIPE)
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer | {"whole": time.perf_counter() - before}


def _written(folder: Path, dispatches: int, experts: int) -> int:
    return sum(Month(dispatches, experts=experts).write(folder).values())


def _first_again_copy(
    empty: dict[str, str], folder: Path
) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """A first load, the same again, and COPY of the bytes, on one new copy of the empty database."""
    with copied_database(empty, "load") as copy:
        return (
            load_once(copy, "ours", folder),
            load_once(copy, "ours", folder),
            load_once(copy, "copy", folder),
        )


def _speeds(answers: list[dict[str, Any]], rows: int, clock: str = "seconds") -> list[float]:
    return [rows / answer[clock] for answer in answers]


def _rate(
    what: str,
    rows: int,
    answers: list[dict[str, Any]],
    copies: list[dict[str, Any]],
    clock: str,
    *,
    wanted: bool = True,
) -> Figure:
    speeds = _speeds(answers, rows, clock)
    return Figure(
        what,
        rows,
        "行/秒",
        speeds,
        COPY,
        _speeds(copies, rows, clock),
        f"{ROWS_PER_SECOND:,} 行/秒以上" if wanted else "",
        statistics.median(speeds) >= ROWS_PER_SECOND if wanted else None,
        ratio=statistics.median(
            mine[clock] / theirs[clock] for mine, theirs in zip(answers, copies, strict=True)
        ),
    )


def measure() -> Part:
    """A month of 11,500 dispatches: first and unchanged, COPY, and the bulk mode of django-import-export."""
    with scratch_database("load") as empty, tempfile.TemporaryDirectory() as temporary:
        folder, masters, rest = (Path(temporary) / name for name in ("all", "masters", "rest"))
        rows = _written(folder, DISPATCHES, EXPERTS)
        counts = _apart(folder, masters, rest)
        _first_again_copy(empty, folder)  # fills the caches of files and servers
        taken = [_first_again_copy(empty, folder) for _ in range(ROUNDS)]
        mine, bulk = [], []
        with copied_database(empty, "masters") as known:
            load_once(known, "ours", masters)
            for _ in range(BULK_ROUNDS):
                for how, answers in (("ours", mine), ("bulk", bulk)):
                    with copied_database(known, how) as copy:
                        answers.append(load_once(copy, how, rest))
    first, again, copies = (list(column) for column in zip(*taken, strict=True))
    bulk_ratio = statistics.median(a["seconds"] / b["seconds"] for a, b in zip(mine, bulk, strict=True))
    return Part(
        "load",
        "読み込み",
        [
            _rate("初めての読み込み、8 ファイル", rows, first, copies, "seconds"),
            _rate("変わらないファイルの再読み込み", rows, again, copies, "seconds"),
            _rate("初めての読み込み、コマンド全体（Python の起動から）", rows, first, copies, "whole", wanted=False),
            Figure("派遣の 4 ファイルの読み込み", counts, "行/秒", _speeds(mine, counts), BULK, _speeds(bulk, counts),
                   "", None, "相手は検査をせず、登録済みの行を探さず、コードの対応を辞書で持ちます。"
                   "データベース、トリガー、履歴は同じです。", ratio=bulk_ratio),
            Figure("同じ読み込みの最大のメモリー", counts, "MB", [answer["memory"] for answer in mine], BULK,
                   [answer["memory"] for answer in bulk]),
        ],
        ["素の COPY は、検査・型・鍵・参照・履歴のない、文字だけの新しい表に入れます。比は時間の比です。",
         "行数は全ファイルの合計、時間は始めのファイルを開いてからコミットまで。一回ごとに新しいプロセスです。"],
    )  # fmt: skip


def measure_scale() -> Part:
    """Ten times as much beside the month, in turn: time per row, and memory."""
    with scratch_database("load") as empty, tempfile.TemporaryDirectory() as temporary:
        few, many = Path(temporary) / "few", Path(temporary) / "many"
        few_rows = _written(few, DISPATCHES, EXPERTS)
        many_rows = _written(many, DISPATCHES * 10, EXPERTS * 10)
        _first_again_copy(empty, few)
        small, large = [], []
        for _ in range(LARGE_ROUNDS):
            small.append(_first_again_copy(empty, few))
            large.append(_first_again_copy(empty, many))
            small.append(_first_again_copy(empty, few))
    figures = []
    for place, what in enumerate(("初めての読み込み", "変わらない再読み込み")):
        mine, base = [each[place] for each in large], [each[place] for each in small]
        per_row = [answer["seconds"] / many_rows * 1e6 for answer in mine]
        per_row_base = [answer["seconds"] / few_rows * 1e6 for answer in base]
        growth = statistics.median(per_row) / statistics.median(per_row_base)
        speeds = _speeds(mine, many_rows)
        figures += [
            Figure(f"{what}、10倍の件数", many_rows, "行/秒", speeds, COPY,
                   _speeds([each[2] for each in large], many_rows), f"{ROWS_PER_SECOND:,} 行/秒以上",
                   statistics.median(speeds) >= ROWS_PER_SECOND,
                   ratio=statistics.median(each[place]["seconds"] / each[2]["seconds"] for each in large)),
            Figure(f"{what}、1 行あたりの時間", many_rows, "マイクロ秒", per_row,
                   f"本製品の派遣 {DISPATCHES:,}件のとき", per_row_base, f"{SCALE_AT_MOST:g} 倍以下",
                   growth <= SCALE_AT_MOST, ratio=growth),
        ]  # fmt: skip
    most, least = (max(each[0]["memory"] for each in sizes) for sizes in (large, small))
    memory = Figure("読み込みの最大のメモリー", many_rows, "MB", [each[0]["memory"] for each in large],
                    f"本製品の派遣 {DISPATCHES:,}件のとき", [each[0]["memory"] for each in small],
                    f"増えても {FLAT_MB} MB まで", most - least <= FLAT_MB)  # fmt: skip
    return Part(
        "load-scale",
        "読み込み、10倍の件数",
        [*figures, memory],
        [
            f"派遣 {DISPATCHES * 10:,}件、専門家 {EXPERTS * 10:,}人。{DISPATCHES:,}件の月と交互に読み込みました。"
        ],
    )


def _apart(folder: Path, masters: Path, rest: Path) -> int:
    """Copies the files of dispatches to `rest` and all others to `masters`; answers the rows of the first."""
    masters.mkdir()
    rest.mkdir()
    rows = 0
    for path in folder.glob("*.csv"):
        target = rest if path.stem in FILES else masters
        shutil.copy(path, target / path.name)
        if target is rest:
            with path.open(encoding="utf-8") as file:
                rows += sum(1 for _ in file) - 1
    return rows
