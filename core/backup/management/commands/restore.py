"""`manage.py restore --to TIME`: everything as it was at that moment."""

import datetime as dt
import os
from argparse import ArgumentParser, ArgumentTypeError
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import connections

from config.servers.binaries import usable_by
from config.servers.layout import SUPERUSER
from config.servers.privileges import Account, server_account
from core.backup.cluster import is_embedded, own_cluster, own_repository, own_roots
from core.backup.comparing import take_picture
from core.backup.kept_files import Root
from core.backup.own_servers import restore_in_place
from core.backup.rehearsing import started
from core.backup.rekeying import missing_keys
from core.backup.repository import BackupError
from core.backup.restoring import Restored, bring_files, newest_moment, prepare_data
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

        parser.add_argument(
            "--try",
            action="store_true",
            dest="tried",
            help="--into で戻したものを起動し、件数・合計・履歴の鎖の先頭を示して止めます",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        to: dt.datetime | None = options["to"]
        if options["tried"] and not options["into"]:
            raise BackupError(
                "--try は --into と一緒に使います。戻すフォルダーを --into で指定してください。"
            )
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
        if done.lost:
            self.stderr.write(
                f"ファイル {len(done.lost):,} 個は、どの世代の控えでも壊れていて戻せませんでした。ほかはすべて戻しました: "
                + "、".join(done.lost[:20])
            )
        if marks := missing_keys(own_repository()).get(done.begun_with):
            self.stdout.write(
                f"この時点の値（口座など）と預かったファイルを読むには、鍵 {'、'.join(marks)} も要ります。"
                "別に保管した以前の鍵を FIELD_KEYS の末尾に加え、manage.py rotate_keys を実行してください。"
            )
        if options["tried"]:
            self._try(options["into"].resolve())
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
            account=self._account(folder),
            folder=folder,
            to=to,
        )
        roots = [replace(root, folder=folder / "files" / root.name, names=()) for root in own_roots()]
        return Restored(to, last.name, segments, *bring_files(repository, last, to, roots))

    def _account(self, folder: Path) -> Account:
        # PostgreSQL doesn't run as root: what root restores belongs to the user of the own servers, or of the folder
        if os.geteuid() == 0 and folder.stat().st_uid == 0:
            account = server_account(settings.VAR_DIR)
            os.chown(folder, account.uid, account.gid)
            return account
        owner = folder.stat()
        return Account(owner.st_uid, owner.st_gid, switch=os.geteuid() == 0)

    def _try(self, folder: Path) -> None:
        account = self._account(folder)
        cluster = own_cluster()
        program = usable_by(account).postgres("postgres") if is_embedded() else cluster.program("postgres")
        roots = [Root(path.name, path) for path in sorted((folder / "files").glob("*"))]
        # whoever made the cluster may read everything
        with started(
            folder,
            program,
            account,
            user=SUPERUSER,
            database=str(connections["default"].settings_dict["NAME"]),
        ) as address:
            seen = take_picture(address, roots)
        self.stdout.write(
            f"起動して数えました: 表 {len(seen.tables):,}、行 {seen.rows:,}、支払明細の合計 {seen.money:,}円、"
            f"ファイル {len(seen.files):,}、履歴の鎖の先頭 {seen.head or 'なし'}"
        )
