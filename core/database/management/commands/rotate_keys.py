"""`manage.py rotate_keys`: every stored cipher under the newest key of FIELD_KEYS."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core import secrets
from core.database.rotation import rotate_keys


class Command(BaseCommand):
    help = (
        "暗号化した値とファイルを、FIELD_KEYS の先頭の鍵で暗号化し直します。途中で止まっても、もう一度実行すれば続きから行います。"
        "「変更 0 件」になったら、古い鍵を外せます。"
    )

    def handle(self, *args: Any, **options: Any) -> None:
        def report(place: str, changed: int) -> None:
            self.stdout.write(f"{place}: {changed:,}件")

        try:
            total = rotate_keys(report)
        except secrets.Unreadable as error:
            raise CommandError(
                f"{error}（FIELD_KEYS から外した鍵で暗号化された値が残っています。その鍵を末尾に戻してください。）"
            ) from error
        self.stdout.write(f"変更 {total:,} 件")
