"""Which PostgreSQL is backed up, with which programs, and which files beside it."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import psycopg
from django.conf import settings

from config.servers.postgres import MAJOR

from .kept_files import Root
from .repository import BackupError, Repository

# Secrets that the embedded servers made for themselves; production has its own place for them. FIELD_KEYS is never
# among them: the key lies apart from what it opens.
_OWN_SETTINGS = ("servers.json", "secret_key", "fingerprint_key", "audit_signing_key")


class NoProgram(BackupError):
    """One of PostgreSQL's own programs isn't here."""


@dataclass(frozen=True)
class Cluster:
    """A PostgreSQL: the address of a role that may replicate, the folder its finished log comes to, its programs."""

    url: str
    log_folder: Path
    programs: Path

    def program(self, name: str) -> Path:
        """One of PostgreSQL's own programs. NoProgram."""
        path = self.programs / name
        if not path.exists():
            raise NoProgram(
                f"{path} がありません。PostgreSQL 18 のプログラムの場所を POSTGRES_BIN に設定してください。"
            )
        return path

    def connect(self) -> psycopg.Connection[tuple[object, ...]]:
        """A connection of that role. BackupError."""
        try:
            return psycopg.connect(self.url, autocommit=True, connect_timeout=10)
        except psycopg.OperationalError as error:
            raise BackupError(
                f"控え用のロールでデータベースに接続できません（{str(error).strip()}）。"
                "データベースが動いているか、DATABASE_BACKUP_URL を確かめてください。"
            ) from None


def own_cluster() -> Cluster:
    """The cluster of the settings. BackupError when the settings name none that can be backed up."""
    url = settings.DATABASE_BACKUP_URL
    if url:
        return Cluster(url, Path(settings.BACKUP_LOG_DIR), _programs())
    if not is_embedded():
        raise BackupError(
            "DATABASE_BACKUP_URL が設定されていないため、控えを取れません。docs/operations/backup.md のとおりに設定してください。"
        )
    from config.servers.layout import load_state
    from config.servers.postgres import log_folder

    url = load_state(settings.VAR_DIR).endpoints().superuser_url
    return Cluster(url, log_folder(settings.VAR_DIR), _embedded_programs())


def is_embedded() -> bool:
    """Whether PostgreSQL is the project's own (neither DATABASE_URL nor DATABASE_BACKUP_URL names another)."""
    return settings.EMBEDDED_SERVERS and not os.environ.get("DATABASE_URL")


def open_log_folder(cluster: Cluster) -> None:
    """The project's own PostgreSQL hands out its log from now on."""
    if not settings.DATABASE_BACKUP_URL:
        from config.servers.privileges import make_folder, server_account

        make_folder(cluster.log_folder, server_account(settings.VAR_DIR))
    elif not cluster.log_folder.is_dir():
        raise BackupError(
            f"PostgreSQL がログを渡すフォルダー {cluster.log_folder} がありません。BACKUP_LOG_DIR を確かめてください。"
        )


def own_repository() -> Repository:
    """The place of the settings (BACKUP_DIR)."""
    return Repository(settings.BACKUP_DIR)


def own_roots() -> list[Root]:
    """The files that belong to a backup. What can be made again (exports, mails already sent) isn't among them."""
    roots = [
        Root("evidence", Path(settings.EVIDENCE_DIR), grows=True),
        Root("uploads", Path(settings.UPLOAD_DIR), grows=True),
        Root("audit", Path(settings.AUDIT_DIR)),
    ]
    if is_embedded():
        roots.append(Root("settings", Path(settings.VAR_DIR), names=_OWN_SETTINGS))
    return roots


def _programs() -> Path:
    """Where PostgreSQL's own programs are: where the settings say, on the PATH unless they are too old, or our own."""
    if settings.POSTGRES_BIN:
        return Path(settings.POSTGRES_BIN)
    if found := shutil.which("pg_basebackup"):
        said = subprocess.run(  # noqa: S603 - PostgreSQL's own program
            [found, "--version"], capture_output=True, text=True, check=False
        ).stdout
        # an older one can't copy a newer server: "pg_basebackup (PostgreSQL) 18.1"
        if re.search(rf"\) {MAJOR}\b", said):
            return Path(found).parent
    return _embedded_programs()


def _embedded_programs() -> Path:
    from config.servers import ServersError
    from config.servers.binaries import installed

    try:
        return installed().postgres("postgres").parent
    except ServersError as error:
        raise BackupError(str(error)) from None
