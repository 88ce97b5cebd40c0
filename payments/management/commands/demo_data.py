"""Builds the story of `make demo` (exchange.md §4). Twice changes nothing; prints one login per role."""

from typing import Any

from django.core.management.base import BaseCommand

from payments.demo import logins
from payments.demo.telling import tell


class Command(BaseCommand):
    help = "デモのデータ（架空の機関・専門家・支援先・派遣と、役割ごとの利用者）を、空のデータベースに作成します。"

    def handle(self, *args: Any, **options: Any) -> None:
        tell()
        self.stdout.write("サインインできる利用者（利用者名、パスワード、役割）")
        for line in logins.listing():
            self.stdout.write(line)
