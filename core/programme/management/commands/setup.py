"""Makes an installation ready: structure, rights, and the values every installation needs. Repeatable."""

from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand

from core.agreements.services import load_first_texts
from core.audit.acting import SYSTEM
from core.banks.services import load_bank_master
from core.programme.services import load_first_values


class Command(BaseCommand):
    help = "データベースを最新にし、どの環境にも必要な値（支出基準 R3、コード一覧、規約の文、金融機関マスタ、権限）を読み込みます。"

    def handle(self, *args: Any, **options: Any) -> None:
        quiet = options["verbosity"] == 0
        call_command("migrate", verbosity=0, interactive=False)
        load_first_values(actor=SYSTEM)
        load_first_texts(actor=SYSTEM)
        load_bank_master(actor=SYSTEM)
        if not quiet:
            self.stdout.write("準備ができました。")
