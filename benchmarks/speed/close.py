"""The close of a month beside the same result by set-based SQL."""

import json
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.scratch import ROOT, copied_database, kept_database, scratch_database
from benchmarks.speed.close_step import Laps
from benchmarks.speed.figures import Figure, Part, ratio

DISPATCHES, EXPERTS = 11_500, 7_000
ROUNDS = 5
TEN_TIMES_ROUNDS = 2
AT_MOST, SCALE_AT_MOST = 3.0, 1.3
BOUND = "同じ結果を集合の SQL で"
STEPS = {"compute": "計算", "approve": "承認", "export": "出力"}
HOW = (
    "相手は、規程の値を読んで確認事項・明細・支払・源泉徴収をすべて SQL の集合演算で求め、同じ表に同じトリガーと制約のまま"
    "書くものです（benchmarks/speed/bound/）。書かれた支払・明細・保留・派遣の状態と履歴が本製品と一行も違わないことを、回ごとに"
    "確かめています。暗号化された口座名義を SQL は読めないので、B02 の判定と全銀ファイルは相手にありません。本製品は結果の要約"
    "（SHA-256）と計算後の変更の確認も行います。",
    "どちらも、読み込んだ月を写したデータベースで一回ずつ、新しいプロセスで締めました。PDF（支払通知書）は両方とも除きます。",
)


@contextmanager
def loaded_month(dispatches: int, experts: int) -> Iterator[dict[str, str]]:
    """The environment of a database with a month of this size, as it lies after a night: vacuumed and analysed."""
    with scratch_database(f"close{dispatches}") as environment:
        _fill(dispatches, experts)
        yield environment


def _fill(
    dispatches: int, experts: int, say: Callable[[str], object] = lambda what: None
) -> dict[str, float]:
    """Generates and loads the month and puts it in order; answers the seconds of each, `say` hears of it before."""
    from django.db import connections

    from accounts.models import Role, User
    from benchmarks.generate import Month
    from core.audit.acting import SYSTEM
    from core.exchange.services import load_folder

    laps = Laps()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        say("generating")
        Month(dispatches, experts=experts).write(folder)
        laps.lap("generate")
        say("loading")
        assert load_folder(folder, actor=SYSTEM).ok
        laps.lap("load")
    User.objects.create(username="maker", role=Role.OFFICE_OPERATOR)
    User.objects.create(username="checker", role=Role.OFFICE_APPROVER)
    say("vacuuming")
    with connections["owner"].cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)")
    laps.lap("vacuum")
    return laps.seconds


def close_once(environment: dict[str, str], how: str) -> dict[str, Any]:
    """Closes a copy of the month, `ours` or `bound`: seconds per step, MB, fingerprint of the rows."""
    with copied_database(environment, how) as copy:
        command = [sys.executable, "-m", "benchmarks.speed.close_step", how]
        done = subprocess.run(command, env=copy, cwd=ROOT, check=True, stdout=subprocess.PIPE)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def _pair(environment: dict[str, str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """One close of ours and one of the bound; refuses to go on when their rows differ."""
    ours, bound = close_once(environment, "ours"), close_once(environment, "bound")
    _same(ours, bound)
    return ours, bound


def _same(ours: dict[str, Any], bound: dict[str, Any]) -> None:
    different = [name for name, rows in ours["rows"].items() if rows != bound["rows"][name]]
    if different:
        raise SystemExit(f"the bound's rows differ from ours: {', '.join(different)}")


def _column(answers: Sequence[dict[str, Any]], name: str) -> list[float]:
    return [answer[name] for answer in answers]


def _compared(
    what: str,
    count: int,
    ours: Sequence[dict[str, Any]],
    bound: Sequence[dict[str, Any]],
    step: str,
    wanted: bool,
) -> Figure:
    mine, theirs = _column(ours, step), _column(bound, step)
    asked = f"{AT_MOST:g} 倍以下" if wanted else ""
    return Figure(
        what, count, "秒", mine, BOUND, theirs, asked, ratio(mine, theirs) <= AT_MOST if wanted else None
    )


def measure() -> Part:
    """11,500 dispatches of 7,000 experts, ours and the bound in turn."""
    with loaded_month(DISPATCHES, EXPERTS) as environment:
        _pair(environment)  # fills the caches of files and servers
        pairs = [_pair(environment) for _ in range(ROUNDS)]
    ours, bound = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    whole = f"月次の締め（専門家 {EXPERTS:,}人、PDF を除く）"
    return Part(
        "close",
        "月次の締め",
        [
            _compared(whole, DISPATCHES, ours, bound, "whole", True),
            *(_compared(f"うち{word}", DISPATCHES, ours, bound, step, False) for step, word in STEPS.items()),
        ],
        list(HOW),
    )


def measure_scale() -> Part:
    """Ten times as many dispatches and experts beside the small month, in turn."""
    small: list[dict[str, Any]] = []
    large: list[dict[str, Any]] = []
    dispatches, experts = DISPATCHES * 10, EXPERTS * 10
    shape = f"month {dispatches} {experts}"
    with (
        loaded_month(DISPATCHES, EXPERTS) as few,
        kept_database("month", shape, lambda: _fill(dispatches, experts)) as many,
    ):
        close_once(few, "ours")
        for _ in range(TEN_TIMES_ROUNDS):
            small.append(close_once(few, "ours"))
            large.append(close_once(many, "ours"))
            small.append(close_once(few, "ours"))
        bound = close_once(many, "bound")
        _same(large[-1], bound)
    count = DISPATCHES * 10
    each = [seconds / count * 1000 for seconds in _column(large, "whole")]
    each_small = [seconds / DISPATCHES * 1000 for seconds in _column(small, "whole")]
    growth = statistics.median(each) / statistics.median(each_small)
    return Part(
        "close-scale",
        "月次の締め、10倍の件数",
        [
            Figure("派遣 1 件あたりの締めの時間", count, "ミリ秒", each, f"本製品の {DISPATCHES:,}件のとき", each_small,
                   f"{SCALE_AT_MOST:g} 倍以下", growth <= SCALE_AT_MOST, ratio=growth),
            Figure("月次の締め（PDF を除く）", count, "秒", _column(large, "whole"), BOUND, [bound["whole"]],
                   f"{AT_MOST:g} 倍以下", ratio(_column(large, "whole"), [bound["whole"]]) <= AT_MOST),
            Figure("締めるプロセスの最大のメモリー", count, "MB", _column(large, "memory"),
                   f"本製品の {DISPATCHES:,}件のとき", _column(small, "memory")),
        ],
        [f"専門家は {EXPERTS * 10:,}人（一人あたりの派遣は同じ）。どちらも交互に締めました。"],
    )  # fmt: skip


HUGE = DISPATCHES * 100


def measure_huge(dispatches: int = HUGE) -> Part:
    """A hundred times the month, once: generated, loaded, closed. As many visits to an expert as in the month."""
    from django.db import connections

    experts = dispatches * EXPERTS // DISPATCHES

    def say(what: str) -> None:
        print(f"{time.strftime('%H:%M:%S')} {what}", flush=True)

    with scratch_database(f"close{dispatches}") as environment:
        before = _fill(dispatches, experts, say)
        loading_memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        name = connections["default"].settings_dict["NAME"]
        size = _size(name)
        for alias in ("default", "owner", "sealer"):
            connections[alias].close()
        say("closing")
        command = [sys.executable, "-m", "benchmarks.speed.close_step", "ours"]
        done = subprocess.run(command, env=environment, cwd=ROOT, check=True, stdout=subprocess.PIPE)
        answer = json.loads(done.stdout)
        size_after = _size(name)
        free = shutil.disk_usage(ROOT).free / 1e9
    return Part(
        "huge",
        f"月次の締め、{dispatches / DISPATCHES:g}倍の件数（一度だけ）",
        [
            Figure("交換ファイルの生成", dispatches, "秒", [before["generate"]]),
            Figure("読み込み", dispatches, "秒", [before["load"]]),
            Figure("VACUUM (ANALYZE)", dispatches, "秒", [before["vacuum"]]),
            Figure("月次の締め（PDF を除く）", dispatches, "秒", [answer["whole"]]),
            *(Figure(f"うち{word}", dispatches, "秒", [answer[step]]) for step, word in STEPS.items()),
            Figure(
                "派遣 1 件あたりの締めの時間", dispatches, "ミリ秒", [answer["whole"] / dispatches * 1000]
            ),
            Figure("読み込むプロセスの最大のメモリー", dispatches, "MB", [loading_memory]),
            Figure("締めるプロセスの最大のメモリー", dispatches, "MB", [answer["memory"]]),
            Figure("データベースの大きさ（締める前）", dispatches, "GB", [size]),
            Figure("データベースの大きさ（締めた後）", dispatches, "GB", [size_after]),
        ],
        [
            f"専門家 {experts:,}人。締めた後の空きディスク {free:.0f} GB。求める値はありません（記録のため）。",
            *([] if dispatches == HUGE else [f"{HUGE:,}件ではなく、計測に使えた時間に収まる件数です。"]),
        ],
    )


def _size(name: str) -> float:
    from django.db import connections

    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT pg_database_size(%s)", [name])
        return int(cursor.fetchone()[0]) / 1e9
