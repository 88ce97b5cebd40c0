"""`manage.py verify_archive`: exit status 0 when the signed files of history are as they were signed, else 1."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from core.audit.archiving import archive_folder, archive_problem
from core.audit.signing import own_public_keys, read_public_key
from core.errors import DomainError


class Command(BaseCommand):
    help = "履歴の保管ファイルの署名、SHA-256、封印の連鎖を確かめます。データベースの内容は使いません。"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="*", type=Path, help="保管ファイル（省略すると、すべて）")
        parser.add_argument(
            "--public-key", type=Path, help="公開鍵（PEM）。省略すると、この環境の鍵（以前のものも）"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        given = options["public_key"]
        keys = [read_public_key(given)] if given else own_public_keys()
        files = options["files"] or sorted(archive_folder().glob("*.jsonl.gz"))
        for path in files:
            if problem := archive_problem(path, *keys):
                raise DomainError(problem)
        self.stdout.write(f"{len(files)}個の保管ファイルに異常はありません。")
