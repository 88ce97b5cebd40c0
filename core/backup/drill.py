"""A drill in an installation of its own: fill it, back it up, make a mistake, destroy everything, restore, compare.

It runs the same commands an operator would, as processes of their own, and never touches the installation it is
started in. The key (FIELD_KEYS) is kept elsewhere, as it must be, and is all that survives.
"""

import datetime as dt
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import LiteralString, cast

import psycopg
from django.conf import settings

from config.servers import attach, detach
from config.servers.layout import load_state
from config.servers.postgres import data_folder
from config.servers.processes import running, wait_gone
from core import clock

from .comparing import Picture, differences, take_picture
from .kept_files import Root
from .repository import BackupError

Say = Callable[[str], None]
_FIELD_KEYS = "field_keys"
_HISTORY: LiteralString = "SELECT count(*) FROM audit_change"


@dataclass
class Drill:
    """What happened: moments, seconds of each step, both pictures, what differs."""

    to: dt.datetime
    before: Picture
    after: Picture
    lost_rows: int
    # rows of history (people's work, by the services) and of the writer that never waits, while backups were taken
    history_during_backup: int
    written_during_backup: int
    database_bytes: int
    # of the repository, by its parts
    backup_bytes: dict[str, int]
    seconds: dict[str, float] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


class Scene:
    """The throw-away installation: a VAR_DIR and a place for backups in a temporary folder."""

    def __init__(self, folder: Path) -> None:
        self.var_dir, self.backups, self.elsewhere = folder / "var", folder / "backup", folder / "elsewhere"
        self.elsewhere.mkdir(mode=0o700)
        dropped = (
            "DATABASE_URL",
            "DATABASE_OWNER_URL",
            "DATABASE_SEALER_URL",
            "REDIS_URL",
            "DATABASE_BACKUP_URL",
        )
        self.environment = {name: value for name, value in os.environ.items() if name not in dropped} | {
            "VAR_DIR": str(self.var_dir),
            "BACKUP_DIR": str(self.backups),
            "DJANGO_SETTINGS_MODULE": "config.settings.embedded",
        }
        self.seconds: dict[str, float] = {}
        self.outputs: dict[str, str] = {}

    @property
    def roots(self) -> list[Root]:
        """The kept files that are compared."""
        return [Root(name, self.var_dir / name) for name in ("evidence", "uploads", "audit")]

    @property
    def address(self) -> str:
        """The database, for whoever may do everything."""
        return load_state(self.var_dir).database_url("postgres")

    def manage(self, step: str, *arguments: str) -> None:
        """Runs a command and keeps how long it took and what it said. BackupError when it fails."""
        began = time.monotonic()
        done = subprocess.run(  # noqa: S603 - our own commands
            [sys.executable, str(Path(settings.BASE_DIR) / "manage.py"), *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        self.seconds[step] = time.monotonic() - began
        self.outputs[step] = done.stdout.strip()
        if done.returncode != 0:
            raise BackupError(
                f"訓練の「{step}」が失敗しました: {(done.stderr or done.stdout).strip()[-500:]}"
            )

    @contextmanager
    def working(self, step: str, *arguments: str) -> Iterator[None]:
        """The command goes on while the block does, and is waited for at its end. BackupError when it fails."""
        began = time.monotonic()
        with tempfile.TemporaryFile() as output:
            process = subprocess.Popen(  # noqa: S603 - our own commands
                [sys.executable, str(Path(settings.BASE_DIR) / "manage.py"), *arguments],
                env=self.environment,
                stdout=output,
                stderr=output,
            )
            try:
                yield
                status = process.wait()
            finally:
                process.kill()
                process.wait()
            self.seconds[step] = time.monotonic() - began
            if status != 0:
                output.seek(0)
                raise BackupError(
                    f"訓練の「{step}」が失敗しました: {output.read().decode(errors='replace').strip()[-500:]}"
                )

    def count(self, query: LiteralString) -> int:
        """One number out of the database."""
        with psycopg.connect(self.address) as connection:
            row = connection.execute(query).fetchone()
        assert row
        return int(cast(int, row[0]))

    def destroy(self) -> None:
        """The machine is lost: servers killed, database and files deleted. Only the key was kept elsewhere."""
        shutil.copy(self.var_dir / _FIELD_KEYS, self.elsewhere)
        for program, folder in (
            ("postgres", data_folder(self.var_dir)),
            ("redis-server", self.var_dir / "redis"),
        ):
            numbers = running(program, folder)
            for number in numbers:
                os.kill(number, signal.SIGKILL)
            wait_gone(numbers, 10)
        detach(self.var_dir)
        shutil.rmtree(load_state(self.var_dir).socket_dir, ignore_errors=True)
        shutil.rmtree(self.var_dir)

    def end(self) -> None:
        """Stops what runs and deletes everything."""
        if (self.var_dir / "servers.json").exists():
            detach(self.var_dir)
            for number in running("postgres", data_folder(self.var_dir)):
                os.kill(number, signal.SIGKILL)
            shutil.rmtree(load_state(self.var_dir).socket_dir, ignore_errors=True)


def run_drill(*, pause: float, say: Say) -> Drill:
    """The whole drill; `pause` seconds lie between the moment that is restored and the loss. BackupError when a step fails."""
    with tempfile.TemporaryDirectory(prefix="backup-drill-", ignore_cleanup_errors=True) as folder:
        scene = Scene(Path(folder))
        try:
            return _play(scene, pause, say)
        finally:
            scene.end()


def _play(scene: Scene, pause: float, say: Say) -> Drill:
    # we use the servers for the whole drill, so that they stay up between the commands
    say("訓練用の環境を作っています")
    scene.var_dir.mkdir(mode=0o700)
    attach(scene.var_dir)
    scene.manage("準備", "setup", "--verbosity", "0")
    with psycopg.connect(scene.address, autocommit=True) as connection:
        connection.execute(
            "CREATE TABLE drill_writes (number bigint PRIMARY KEY, at timestamptz DEFAULT now())"
        )
    _put_files(scene, "before", 200)
    say("派遣・検知・月次支払を書き込み続けながら、全体の控えと差分の控えを取っています")
    history = during = 0
    with scene.working("デモのデータ（控えと同時）", "demo_data"), _writing(scene.address) as written:
        _wait_for_work(scene)
        for step, kind in (("全体の控え", "--full"), ("差分の控え", "--incremental")):
            began, known = len(written), scene.count(_HISTORY)
            scene.manage(f"{step}（書き込み中）", "backup", kind)
            during += len(written) - began
            history += scene.count(_HISTORY) - known
    scene.manage("差分の控え（もう一度）", "backup", "--incremental")
    _put_files(scene, "after", 50)
    scene.manage("封印", "seal_audit")
    before = take_picture(scene.address, scene.roots)
    to = clock.now()
    say(f"{pause:.0f} 秒待ってから、誤りを起こしてすべてを壊します")
    time.sleep(pause)
    lost = _make_mistake(scene.address)
    scene.manage("ログの控え", "backup", "--log")
    scene.destroy()
    scene.var_dir.mkdir(mode=0o700)
    shutil.copy(scene.elsewhere / _FIELD_KEYS, scene.var_dir)
    say("控えから戻しています")
    scene.manage("復元", "restore", "--to", to.isoformat())
    attach(scene.var_dir)
    after = take_picture(scene.address, scene.roots)
    scene.manage("履歴の検証", "verify_audit", *(["--expect-head", before.head] if before.head else []))
    scene.manage("復元後の全体の控え", "backup", "--full")
    scene.manage("すべての控えの検査", "backup", "--verify")
    drill = Drill(
        to,
        before,
        after,
        lost,
        history,
        during,
        scene.count("SELECT pg_database_size(current_database())"),
        {
            name: sum(file.stat().st_size for file in (scene.backups / name).rglob("*") if file.is_file())
            for name in ("sets", "files", "wal")
        },
        scene.seconds,
        scene.outputs,
    )
    drill.problems = differences(before, after)
    if during == 0 or history == 0:
        drill.problems.append("控えの間に書き込めませんでした。")
    return drill


def _wait_for_work(scene: Scene) -> None:
    """Until the people of the story have begun."""
    end, known = time.monotonic() + 120, scene.count(_HISTORY)
    while scene.count(_HISTORY) <= known + 100:
        if time.monotonic() > end:
            raise BackupError("訓練の書き込みが始まりませんでした。もう一度実行してください。")
        time.sleep(0.1)


def _put_files(scene: Scene, name: str, count: int) -> None:
    """Files as the shelves keep them: unreadable bytes in folders of two letters."""
    for number in range(count):
        folder = scene.var_dir / "evidence" / "receipts" / f"{number:02x}"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (folder / f"{name}-{number}").write_bytes(os.urandom(20_000 + number))


class _writing:
    """A person who writes one row after another, each committed, until the block ends."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._stop = threading.Event()
        self._written: list[int] = []
        self._thread = threading.Thread(target=self._write)

    def _write(self) -> None:
        with psycopg.connect(self._address, autocommit=True) as connection:
            while not self._stop.is_set():
                connection.execute("INSERT INTO drill_writes VALUES (%s)", [len(self._written)])
                self._written.append(len(self._written))
                time.sleep(0.002)

    def __enter__(self) -> list[int]:
        self._thread.start()
        return self._written

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


def _make_mistake(address: str) -> int:
    """Somebody with all rights empties tables of evidence and claims; answers how many rows that lost."""
    with psycopg.connect(address) as connection:
        connection.execute("SET session_replication_role = replica")
        lost = connection.execute("DELETE FROM dispatch_checkevent").rowcount
        lost += connection.execute("DELETE FROM payments_payoutline").rowcount
        lost += connection.execute("DELETE FROM drill_writes").rowcount
    return lost
