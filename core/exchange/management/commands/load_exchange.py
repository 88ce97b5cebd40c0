"""`manage.py load_exchange DIR [--dry-run] [--errors FILE]` (exchange.md §2)."""

import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from core.audit.acting import SYSTEM
from core.exchange import services


class Command(BaseCommand):
    help = "交換ファイル（CSV・XLSX）を読み込みます。1 行でも誤りがあれば何も変更しません。"
    requires_system_checks = ()  # no page is served here

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", metavar="DIR", help="交換ファイルのあるフォルダー")
        parser.add_argument("--dry-run", action="store_true", help="確かめるだけで、変更しません")
        parser.add_argument(
            "--errors", metavar="FILE", help="誤りの一覧の書き出し先（省略時 DIR/errors.csv）"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        folder = Path(options["folder"])
        errors = Path(options["errors"]) if options["errors"] else folder / "errors.csv"
        result = services.load_folder(folder, actor=SYSTEM, dry_run=options["dry_run"], errors=errors)
        self.stdout.write(json.dumps(result.files, ensure_ascii=False))
        if not result.ok:
            self.stderr.write(
                f"誤りが {result.problems.count} 件あるため、何も変更していません。一覧: {errors}"
            )
            sys.exit(1)
        if not result.changed:
            self.stderr.write("変更はありません。")
        elif result.dry_run:
            self.stderr.write("誤りはありません。確かめただけで、変更していません。")
