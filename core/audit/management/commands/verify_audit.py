"""`manage.py verify_audit`: exit status 0 when the chain of the history is whole, else 1 and the first bad entry."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from core.audit.verifying import verify_audit
from core.errors import DomainError


class Command(BaseCommand):
    help = "変更履歴と閲覧の記録の封印を、初めから終わりまで確かめます。"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--expect-head",
            default="",
            metavar="HASH",
            help="別に控えた封印の値が、連鎖にあることも確かめます",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        result = verify_audit(options["expect_head"].strip())
        if result.problem:
            raise DomainError(result.problem)
        head = result.head
        self.stdout.write(
            f"履歴の封印に異常はありません。封印 {head.number:,}、全{head.rows:,}件、値 {head.hash}"
            f"（まだ封印していない履歴 {result.unsealed:,}件）"
        )
