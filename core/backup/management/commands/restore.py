"""`manage.py restore --to TIME`: everything as it was at that moment."""

import datetime as dt
from argparse import ArgumentParser, ArgumentTypeError
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from core.backup.cluster import is_embedded, own_cluster, own_repository, own_roots
from core.backup.own_servers import restore_in_place
from core.backup.repository import BackupError
from core.backup.restoring import Restored, bring_files, newest_moment, owner_of, prepare_data
from core.clock import JST


def moment(text: str) -> dt.datetime:
    """A moment as people write it: Japan's time unless it says another."""
    try:
        value = dt.datetime.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(
            f"「{text}」は時刻ではありません。2026-11-20T13:05:00 のように書いてください。"
        ) from None
    return value if value.tzinfo else value.replace(tzinfo=JST)


class Command(BaseCommand):
    help = "データベースと預かったファイルを、指定した時刻の状態に戻します。"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--to",
            type=moment,
            help="戻す時刻（日本時間。例 2026-11-20T13:05:00）。省くと控えのある最後の時刻",
        )
        parser.add_argument(
            "--into", type=Path, help="動いているものに触れず、このフォルダーに、起動できる形で戻します"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        to: dt.datetime | None = options["to"]
        if options["into"]:
            done = self._restore_into(options["into"].resolve(), to)
        elif is_embedded():
            done = restore_in_place(
                repository=own_repository(),
                cluster=own_cluster(),
                roots=own_roots(),
                var_dir=settings.VAR_DIR,
                to=to,
            )
        else:
            raise BackupError(
                "本番のデータベースは、この命令からは置き換えません。--into で新しいフォルダーに戻し、"
                "docs/operations/restore.md の手順で差し替えてください。"
            )
        self.stdout.write(
            f"{done.to.astimezone(JST):%Y-%m-%d %H:%M:%S} の状態に戻しました"
            f"（控え {done.begun_with}、ログ {done.segments:,} 個、ファイル {done.files:,} 個）。"
        )
        self.stdout.write(
            "続けて docs/operations/restore.md の手順で起動してください。"
            if options["into"]
            else "続けて manage.py verify_audit と manage.py backup --full を実行してください。"
        )

    def _restore_into(self, folder: Path, to: dt.datetime | None) -> Restored:
        if folder.exists() and any(folder.iterdir()):
            raise BackupError(f"{folder} は空ではありません。新しいフォルダーを指定してください。")
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        repository = own_repository()
        to = to or newest_moment(repository)
        last, segments = prepare_data(
            repository=repository,
            cluster=own_cluster(),
            account=owner_of(folder),
            folder=folder,
            to=to,
        )
        roots = [replace(root, folder=folder / "files" / root.name, names=()) for root in own_roots()]
        return Restored(to, last.name, segments, bring_files(repository, last, to, roots))
