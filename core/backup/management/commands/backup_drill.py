"""`manage.py backup_drill`: proves in a throw-away installation that everything comes back, and writes the report."""

import os
import platform
import shutil
import subprocess
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from core import clock
from core.backup.drill import Drill, run_drill
from core.clock import JST


class Command(BaseCommand):
    help = "使い捨ての環境で、すべてを壊し、控えから 1 分前に戻し、件数・合計・ファイル・履歴の鎖を比べて報告書を作ります。"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--pause", type=float, default=60, help="戻す時刻と壊す時刻の間の秒数（60）")
        parser.add_argument("--report", type=Path, help="報告書のファイル（docs/evidence/backup-drill.md）")

    def handle(self, *args: Any, **options: Any) -> None:
        drill = run_drill(pause=options["pause"], say=self.stdout.write)
        path = options["report"] or Path(settings.BASE_DIR) / "docs" / "evidence" / "backup-drill.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(report(drill, options["pause"]), encoding="utf-8")
        self.stdout.write(f"報告書: {path}")
        if drill.problems:
            raise CommandError("戻したものが元と違います。\n" + "\n".join(drill.problems))
        self.stdout.write("すべて元のとおりに戻りました。")


def commit() -> str:
    """The version that was tried, as far as this machine knows."""
    git = shutil.which("git")
    done = git and subprocess.run(  # noqa: S603
        [git, "rev-parse", "--short", "HEAD"],
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
    )
    return (done.stdout.strip() if done else "") or "不明"


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f}"


def report(drill: Drill, pause: float) -> str:
    """The report as Markdown."""
    before, after = drill.before, drill.after
    extra = len(after.files.keys() - before.files.keys())
    same = sum(after.files.get(name) == digest for name, digest in before.files.items())
    lines = [
        "# 控えと復元の訓練",
        "",
        f"実施: {clock.now().astimezone(JST):%Y年%-m月%-d日 %H:%M}（日本時間）。版 {commit()}。{platform.system()} {platform.machine()}、"
        f"{os.cpu_count()} コア（負荷 {os.getloadavg()[0]:.1f}）、Python {platform.python_version()}。"
        "`manage.py backup_drill` が作った記録です。",
        "",
        "使い捨ての環境で、デモのデータ（派遣、検知、月次支払など）をサービスから書き込み続けながら、全体の控えと差分の控えを取りました。"
        f"その後の時刻 {drill.to.astimezone(JST):%H:%M:%S} を戻す先とし、{pause:.0f} 秒後に {drill.lost_rows:,} 行を消す誤りを起こし、"
        "サーバー（PostgreSQL と Redis）を強制終了して、データベース、ファイル、Redis のデータ、設定をすべて消しました。別に保管した鍵（FIELD_KEYS）と控えだけから戻しました。",
        "",
        f"**結果: {'すべて元のとおり' if not drill.problems else '元と違うところがある'}**",
        "",
        "| 比べたもの | 壊す前（戻す時刻） | 戻した後 |",
        "|---|---:|---:|",
        f"| 表 | {len(before.tables):,} | {len(after.tables):,} |",
        f"| 行（全表） | {before.rows:,} | {after.rows:,} |",
        f"| 全行の内容の和が一致した表 | {len(before.tables):,} | "
        f"{sum(after.tables.get(name) == value for name, value in before.tables.items()):,} |",
        f"| 支払明細の合計（円） | {before.money:,} | {after.money:,} |",
        f"| 履歴の鎖の先頭 | `{before.head[:16]}…` | `{after.head[:16]}…` |",
        f"| ファイル（SHA-256 が一致） | {len(before.files):,} | {same:,} |",
        f"| 戻す時刻より後に書かれたファイル | - | {extra:,} |",
        "",
        f"控えを取っている間に確定した書き込み: 業務の変更履歴 {drill.history_during_backup:,} 行と、"
        f"1 行ずつ書き続ける処理の {drill.written_during_backup:,} 行（どちらも止まりませんでした）。",
        "",
        "| 大きさ | MB |",
        "|---|---:|",
        f"| データベース | {_megabytes(drill.database_bytes)} |",
        f"| 控え: データベース（全体 2、差分 2） | {_megabytes(drill.backup_bytes['sets'])} |",
        f"| 控え: ログ | {_megabytes(drill.backup_bytes['wal'])} |",
        f"| 控え: ファイル | {_megabytes(drill.backup_bytes['files'])} |",
        "",
        "| 手順 | 秒 |",
        "|---|---:|",
        *(f"| {step} | {seconds:.1f} |" for step, seconds in drill.seconds.items()),
        "",
        f"復元の出力: `{drill.outputs.get('復元', '').splitlines()[0] if drill.outputs.get('復元') else ''}`",
    ]
    if drill.problems:
        lines += ["", "## 違い", "", *(f"- {problem}" for problem in drill.problems)]
    return "\n".join(lines) + "\n"
