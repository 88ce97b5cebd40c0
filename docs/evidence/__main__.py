"""`make evidence`: every proof that is too long for the tests, one after the other, and the index of what they showed.

`python -m docs.evidence [PART …]` runs these parts, or all, each as a process of its own; one that fails stops no other.
Each writes its own report into this folder; README.md here is written from runs.json, where a part that wasn't run keeps
what it showed before. The exit status tells whether a part failed.
"""

# ruff: noqa: T201 it speaks to a person

import datetime as dt
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parent.parent
JST = dt.timezone(dt.timedelta(hours=9))
# What a person gave to this make is not meant for the ones below it.
_OUR_MAKE = ("MAKEFLAGS", "MFLAGS", "MAKEOVERRIDES", "MAKELEVEL", "PARTS")
TIMED_OUT = -1
INDEX = "index"
"""Named in place of parts: nothing runs, the index alone is written."""


@dataclass(frozen=True)
class Part:
    """One proof: its name, what its report shows, the target of the Makefile, its report, hours it may take at most."""

    name: str
    shows: str
    target: str
    report: str
    hours: float = 2

    @property
    def command(self) -> list[str]:
        """What runs it."""
        return ["make", "--no-print-directory", self.target]


PARTS = (
    Part("speed", "締め・読み込み・PDF の速さ（同じ時に測った下限との比）", "bench", "speed.md", 4),
    Part("lists", "10 年分のデータでの一覧と待ち行列の速さ、問い合わせの数、読んだ行", "lists", "lists.md"),
    Part("day", "1 年のうちの 1 日を小さくしたもの（事務局・機関・専門家が同時に使う）", "day", "day.md"),
    Part(
        "faults",
        "処理・Redis・データベースの停止と満杯のディスクで、失われたもの・二重になったものの数",
        "faults",
        "faults.md",
    ),
    Part("security", "攻撃の道具による検査と、道具が仕込んだ欠陥を見つけること", "security", "security.md"),
    Part("walks", "でたらめな人と順序の操作で、不変の条件が破れないこと", "walks", "walks.md"),
    Part(
        "backup-drill",
        "すべてを壊して控えから戻し、件数・合計・ファイル・履歴の鎖を比べたもの",
        "drill",
        "backup-drill.md",
    ),
    Part("operation", "docs/operations の手順を、書いてあるとおりに行ったもの", "rehearsal", "operation.md"),
    Part("sbom", "部品表、使用許諾、サポートの終わり", "sbom", "sbom.md"),
)


def main(names: list[str], parts: tuple[Part, ...] = PARTS, folder: Path = FOLDER) -> int:
    """Runs the parts of these names (all, when there is none) and writes the index; 1 when one failed, 2 for an unknown name."""
    known = {part.name: part for part in parts}
    if names == [INDEX]:
        write_index(folder, parts)
        return 0
    if unknown := [name for name in names if name not in known]:
        print(f"知らない部分です: {'、'.join(unknown)}（{'、'.join(known)}）", file=sys.stderr)
        return 2
    failed = []
    for name in names or list(known):
        print(f"\n== {name}: {known[name].shows}", flush=True)
        kept = run(known[name])
        keep(folder, name, kept)
        write_index(folder, parts)
        print(f"== {name}: {result(kept)}、{duration(kept['seconds'])}", flush=True)
        if kept["status"] != 0:
            failed.append(name)
    print(f"\n記録: {folder / 'README.md'}")
    if failed:
        print(f"合格しなかった部分: {'、'.join(failed)}", file=sys.stderr)
    return int(bool(failed))


def run(part: Part) -> dict[str, Any]:
    """Runs one part to its end or its time; answers when it began, its seconds, its exit status, of which commit."""
    environment = {name: value for name, value in os.environ.items() if name not in _OUR_MAKE}
    began, started = dt.datetime.now(JST), time.monotonic()
    commit = _commit()
    process = subprocess.Popen(  # noqa: S603 - our own targets
        part.command, cwd=ROOT, env=environment, start_new_session=True
    )
    try:
        status = process.wait(part.hours * 3600)
    except subprocess.TimeoutExpired:
        status = TIMED_OUT
    finally:
        # nothing of a part that was stopped, by its time or by a person, goes on
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    return {
        "began": began.isoformat(timespec="seconds"),
        "seconds": round(time.monotonic() - started, 1),
        "status": status,
        "commit": commit,
        "cores": os.cpu_count(),
    }


def keep(folder: Path, name: str, kept: dict[str, Any]) -> None:
    """Notes the run of one part in runs.json."""
    path = folder / "runs.json"
    runs = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    runs[name] = kept
    path.write_text(json.dumps(runs, ensure_ascii=False, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def write_index(folder: Path, parts: tuple[Part, ...] = PARTS) -> None:
    """README.md: what each report shows, when and of which commit it was made, with which result, and how."""
    path = folder / "runs.json"
    runs = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    lines = [
        "# 記録",
        "",
        "速さ、故障、攻撃、控えなど、テストには長すぎる確かめの記録です。`make evidence` がすべてを順に行い、この一覧を書きます。"
        '一部だけなら `make evidence PARTS="faults walks"` です。行わなかった部分には前の記録が残ります。',
        "",
        "| 報告書 | 何を示すか | 実施（日本時間） | 版 | 結果 | 時間 | 作り方 |",
        "|---|---|---|---|---|---:|---|",
    ]
    for part in parts:
        there = (folder / part.report).exists()
        name = f"[{part.name}]({part.report})" if there else part.name
        kept = runs.get(part.name)
        row = (
            [when(kept["began"]), f"`{kept['commit']}`", result(kept), duration(kept["seconds"])]
            if kept
            else ["単独で実施（日付と結果は報告書）" if there else "まだ行っていない", "", "", ""]
        )
        lines.append("| " + " | ".join([name, part.shows, *row, f"`make {part.target}`"]) + " |")
    lines += [
        "",
        "「合格」は、決めた条件をすべて満たして終わったこと（終了状態 0）です。計測の値は機械と混み具合で変わるので、比で読んでください。"
        "「＋」の付く版は、記録していない変更を含みます。",
    ]
    (folder / "README.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def when(moment: str) -> str:
    """A moment as people read it."""
    at = dt.datetime.fromisoformat(moment)
    return f"{at.year}年{at.month}月{at.day}日 {at:%H:%M}"


def result(kept: dict[str, Any]) -> str:
    """How a run ended, in words."""
    if kept["status"] == 0:
        return "合格"
    return "時間切れ" if kept["status"] == TIMED_OUT else f"不合格（終了状態 {kept['status']}）"


def duration(seconds: float) -> str:
    """Seconds as people read them."""
    return f"{seconds:.0f} 秒" if seconds < 100 else f"{seconds / 60:.0f} 分"


def _commit() -> str:
    def git(*arguments: str) -> str:
        done = subprocess.run(  # noqa: S603
            ["git", *arguments],  # noqa: S607 - the one of this machine
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout.strip()

    try:
        commit = git("rev-parse", "--short", "HEAD")
        changed = git("status", "--porcelain", "--untracked-files=no", "--", ".", ":!docs/evidence")
    except FileNotFoundError:
        return "不明"
    return f"{commit}{'＋' if changed else ''}" if commit else "不明"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
