"""`manage.py archive_audit`: the signed files of ended months, and what is past its time leaves the database."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from core.audit.archiving import archive_months, purge_audit


class Command(BaseCommand):
    help = "終わった月の履歴を、署名した保管ファイルにします（通常は毎日、自動で行います）。"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--purge", action="store_true", help="保存期間を過ぎ、保管ファイルにある履歴を消します"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        written = archive_months()
        for one in written:
            self.stdout.write(f"{one.month}: {one.count:,}件 → {one.path}")
        if not written:
            self.stdout.write("新しく保管する月はありません。")
        if options["purge"]:
            self.stdout.write(f"保存期間を過ぎた {purge_audit():,}件を消しました。")
