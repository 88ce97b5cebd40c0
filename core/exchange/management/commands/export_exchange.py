"""`manage.py export_exchange DIR` (exchange.md §2)."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from core.exchange import services


class Command(BaseCommand):
    help = "すべての交換ファイルを書き出します。"
    requires_system_checks = ()  # no page is served here

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", metavar="DIR", help="書き出し先のフォルダー（なければ作ります）")

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(json.dumps(services.export_folder(options["folder"]), ensure_ascii=False))
