"""`manage.py load_bank_master`: the bank master of the installed zengin-code."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from core.audit.acting import SYSTEM
from core.banks.services import load_bank_master


class Command(BaseCommand):
    help = "金融機関マスタ（パッケージ zengin-code）を読み込みます。新しい版は、パッケージを更新してから実行します。"
    requires_system_checks = ()  # no page is served here

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--force", action="store_true", help="同じ版でも読み直します")

    def handle(self, *args: Any, **options: Any) -> None:
        master = load_bank_master(actor=SYSTEM, force=options["force"])
        if options["verbosity"] > 0:
            done = "を読み込みました" if master.loaded else "は、すでに読み込まれています"
            self.stdout.write(
                f"金融機関マスタ {master.edition}（{master.as_of:%Y-%m-%d} 現在）{done}。"
                f"銀行 {master.banks:,}、支店 {master.branches:,}。"
            )
