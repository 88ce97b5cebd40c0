"""`manage.py backup`: a backup now, the log only, a check of everything, or how it stands."""

import datetime as dt
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core import clock
from core.backup.checking import accepted_places, check_all
from core.backup.cluster import open_log_folder, own_cluster, own_repository, own_roots
from core.backup.rekeying import missing_keys, rewrap_backups
from core.backup.repository import FULL, INCREMENTAL
from core.backup.taking import collect, take_backup
from core.backup.watching import standing


class Command(BaseCommand):
    help = "データベースと預かったファイルの控えを取ります（週 1 回は全体、ほかの日は差分。3 世代）。"

    def add_arguments(self, parser: ArgumentParser) -> None:
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--full", action="store_true", help="全体の控えを取ります")
        what.add_argument("--incremental", action="store_true", help="前の控えからの差分を取ります")
        what.add_argument(
            "--log", action="store_true", help="今までの変更のログと新しいファイルだけを控えます"
        )
        what.add_argument(
            "--verify", action="store_true", help="すべての控えを読み、壊れていないか確かめます"
        )
        what.add_argument(
            "--accept",
            action="store_true",
            help="--verify をして、見つかった異常を承知済みにします（使わないまま残り、警報だけが止まります）",
        )
        what.add_argument(
            "--rekey",
            action="store_true",
            help="控えのファイルの鍵を、FIELD_KEYS の先頭の鍵で包み直します（rotate_keys にも含まれます）",
        )
        what.add_argument(
            "--status", action="store_true", help="控えの状態を示します。異常があれば終了状態 1"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        repository = own_repository()
        if options["status"]:
            self._show(standing(repository, clock.now()).problems)
            return
        if options["rekey"]:
            self.stdout.write(f"包み直したファイル: {rewrap_backups(repository):,} 個")
            return
        if options["verify"] or options["accept"]:
            found = check_all(repository, clock.now(), accept=options["accept"])
            if options["accept"]:
                self.stdout.writelines(f"承知済みにしました: {problem.words}" for problem in found)
                return
            known = accepted_places(repository)
            self.stdout.writelines(
                f"承知済み: {problem.words}" for problem in found if problem.place in known
            )
            self._show([problem.words for problem in found if problem.place not in known])
            return
        cluster = own_cluster()
        open_log_folder(cluster)
        if options["log"]:
            count = collect(repository=repository, cluster=cluster, roots=own_roots())
            self.stdout.write(f"ログとファイルを {count:,} 個控えました。")
            return
        kind = FULL if options["full"] else INCREMENTAL if options["incremental"] else ""
        new = take_backup(repository=repository, cluster=cluster, roots=own_roots(), kind=kind)
        seconds = (new.ended - new.started) / dt.timedelta(seconds=1)
        word = "全体" if new.kind == FULL else "差分"
        self.stdout.write(
            f"{new.name}: {word}、{new.bytes:,} バイト、{seconds:.1f} 秒。読み返して確かめました。"
        )

    def _show(self, problems: list[str]) -> None:
        repository = own_repository()
        for one in repository.sets() if not problems else []:
            self.stdout.write(f"{one.name}  {one.bytes:,} バイト  鍵 {'、'.join(one.keys)}")
        if problems:
            raise CommandError("\n".join(problems))
        for name, marks in missing_keys(repository).items():
            self.stdout.write(
                f"{name} の中の値を読むには、鍵 {'、'.join(marks)} も要ります（FIELD_KEYS にありません）。"
            )
        self.stdout.write("異常はありません。")
