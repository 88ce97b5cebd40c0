"""`manage.py rotate_keys`: every stored cipher under the newest key of FIELD_KEYS."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core import secrets
from core.backup.cluster import own_repository
from core.backup.rekeying import last_needing_old_keys, rewrap_backups
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
            backups = rewrap_backups(own_repository())
            report("backup", backups)
            total += backups
            needing = last_needing_old_keys(own_repository())
        except secrets.Unreadable as error:
            raise CommandError(
                f"{error}（FIELD_KEYS から外した鍵で暗号化された値が残っています。その鍵を末尾に戻してください。）"
            ) from error
        self.stdout.write(f"変更 {total:,} 件")
        if needing:
            self.stdout.write(
                f"控えの中の値には、今までの鍵も要ります（{needing} まで）。"
                "その控えが消えるまで、外した鍵を封をして別に保管してください。"
            )
