"""Starting what was restored beside the running installation, to see that it comes up and what is in it."""

import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo

from config.servers.privileges import Account, make_folder
from config.servers.processes import ENVIRONMENT, tail

from .repository import BackupError

_RECOVERY_SECONDS = 6 * 60 * 60
# No way in but a socket in a folder that nobody else may enter, so that no password is needed; nothing is archived.
# Without hot standby recovery doesn't ask for the sizes of the server the log is from.
_SETTINGS = """\
listen_addresses = ''
unix_socket_directories = '{folder}'
hba_file = '{folder}/access.conf'
hot_standby = off
archive_mode = off
summarize_wal = off
fsync = off
shared_buffers = 64MB
max_locks_per_transaction = 128
timezone = 'UTC'
jit = off
"""
_ACCESS = "local all all trust\n"


@contextmanager
def started(folder: Path, program: Path, account: Account, *, user: str, database: str) -> Iterator[str]:
    """PostgreSQL on `folder`/data, recovered to its moment, until the block ends; gives its address.

    It is no longer to be recovered afterwards: it is as it was at the moment. BackupError when it doesn't come up.
    """
    data = folder / "data"
    with tempfile.TemporaryDirectory(prefix="restored-") as short:
        inside = Path(short) / "own"
        make_folder(inside, account)
        for name, text in (("settings.conf", _SETTINGS.format(folder=inside)), ("access.conf", _ACCESS)):
            (inside / name).write_text(text, encoding="utf-8")
            (inside / name).chmod(0o644)
        if account.switch:
            Path(short).chmod(0o711)
        log = Path(short) / "log"
        with log.open("wb") as output:
            server = subprocess.Popen(  # noqa: S603 - PostgreSQL's own program
                [program, "-D", "/proc/self/cwd", "-c", f"config_file={inside}/settings.conf"],
                cwd=data,
                env=ENVIRONMENT,
                umask=0o077,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                **account.popen_arguments(),
            )
        try:
            address = make_conninfo(host=str(inside), user=user, dbname=database)
            _wait_until_writable(server, address, log)
            yield address
        finally:
            server.send_signal(signal.SIGINT)
            try:
                server.wait(60)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def _wait_until_writable(server: "subprocess.Popen[bytes]", address: str, log: Path) -> None:
    end = time.monotonic() + _RECOVERY_SECONDS
    while time.monotonic() < end:
        if server.poll() is not None:
            raise BackupError(
                f"控えから起動できませんでした。別の時刻を指定してください。ログの終わり:\n{tail(log)}"
            )
        try:
            with psycopg.connect(address, autocommit=True, connect_timeout=5) as connection:
                if connection.execute("SELECT pg_is_in_recovery()").fetchone() == (False,):
                    return
        except psycopg.OperationalError as error:
            if "does not exist" in str(error):
                raise BackupError(f"戻したデータベースに接続できません（{error}）。") from None
        time.sleep(0.2)
    raise BackupError("復旧が時間内に終わりませんでした。")
