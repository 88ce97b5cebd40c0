"""`manage.py seal_audit`: seals now what the job of every minute would seal."""

from typing import Any

from django.core.management.base import BaseCommand

from core.audit.sealing import seal_audit


class Command(BaseCommand):
    help = "変更履歴と閲覧の記録を、いま封印できるところまで封印します（通常は毎分、自動で行います）。"

    def handle(self, *args: Any, **options: Any) -> None:
        sealed, head = seal_audit()
        self.stdout.write(
            f"{sealed:,}件を封印しました。封印 {head.number:,}、全{head.rows:,}件、値 {head.hash}"
        )
