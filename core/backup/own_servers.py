"""Restoring the project's own PostgreSQL in its place; what was there before is kept beside it."""

import datetime as dt
import fcntl
import os
import shutil
import time
from pathlib import Path

import psycopg
from psycopg import sql

from config.servers import ServersError, attach, detach
from config.servers.layout import SUPERUSER, close_lock, load_state, open_lock
from config.servers.postgres import data_folder, log_folder
from config.servers.privileges import make_folder, server_account
from config.servers.users import stop_servers
from core import clock

from .cluster import Cluster
from .kept_files import Root
from .repository import BackupError, Repository, stamp
from .restoring import LOG_NAME, RECOVERY_SETTINGS, Restored, bring_files, newest_moment, prepare_data
from .taking import alone, collect_spool

_RECOVERY_SECONDS = 6 * 60 * 60


def restore_in_place(
    *, repository: Repository, cluster: Cluster, roots: list[Root], var_dir: Path, to: dt.datetime | None
) -> Restored:
    """Database and files as they were at the moment (none: the newest there is). BackupError; then all stays as it is.

    Nobody may use the servers meanwhile. The former database stays as `postgres/data.before-…` until it is deleted by hand.
    """
    load_state(var_dir)
    users = open_lock(var_dir / "users.lock")
    try:
        _become_alone(users)
        stop_servers(var_dir)
        account = server_account(var_dir)
        make_folder(var_dir / "postgres", account)
        with alone(repository):
            # what the lost database had handed out and nobody had collected yet
            collect_spool(repository, log_folder(var_dir))
        to = to or newest_moment(repository)
        fresh = var_dir / "postgres" / "restore"
        shutil.rmtree(fresh, ignore_errors=True)
        make_folder(fresh, account)
        last, segments = prepare_data(
            repository=repository,
            cluster=cluster,
            account=account,
            folder=fresh,
            to=to,
            durable=load_state(var_dir).durable,
        )
        files, lost = bring_files(repository, last, to, roots)
        before = _swap(var_dir, fresh)
        make_folder(log_folder(var_dir), account)
    finally:
        close_lock(users)
    try:
        attach(var_dir, with_redis=False)
        _wait_until_writable(var_dir)
    except (ServersError, psycopg.Error, BackupError) as error:
        detach(var_dir)
        _swap_back(var_dir, before)
        raise BackupError(
            f"控えから起動できませんでした（{error}）。元のデータに戻しました。別の時刻を指定してください。"
        ) from error
    shutil.rmtree(var_dir / "postgres" / LOG_NAME, ignore_errors=True)
    return Restored(to, last.name, segments, files, lost)


def _become_alone(users: int) -> None:
    # as in config/servers/users.py: a keeper that is stopping the servers lets go soon, other users don't
    for _ in range(3):
        fcntl.flock(users, fcntl.LOCK_SH)
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        return
    raise BackupError(
        "データベースを使っている処理があります。画面、worker、beat を止めてから、もう一度実行してください。"
    )


def _swap(var_dir: Path, fresh: Path) -> Path | None:
    """The prepared data takes the place of what is there; answers where that is now."""
    data = data_folder(var_dir)
    before = None
    if data.exists():
        before = data.with_name(f"data.before-{stamp(clock.now())}")
        os.rename(data, before)
    log = data.with_name(LOG_NAME)
    shutil.rmtree(log, ignore_errors=True)
    os.rename(fresh / LOG_NAME, log)
    os.rename(fresh / "data", data)
    fresh.rmdir()
    return before


def _swap_back(var_dir: Path, before: Path | None) -> None:
    data = data_folder(var_dir)
    if before is not None:
        os.rename(data, data.with_name("data.failed-restore"))
        os.rename(before, data)


def _wait_until_writable(var_dir: Path) -> None:
    """Waits for the end of recovery, then takes back what recovery was told."""
    address = load_state(var_dir).database_url(SUPERUSER, "postgres")
    end = time.monotonic() + _RECOVERY_SECONDS
    while time.monotonic() < end:
        with psycopg.connect(address, autocommit=True) as connection:
            row = connection.execute("SELECT pg_is_in_recovery()").fetchone()
            if row == (False,):
                for name in RECOVERY_SETTINGS:
                    connection.execute(sql.SQL("ALTER SYSTEM RESET {}").format(sql.Identifier(name)))
                return
        time.sleep(0.2)
    raise BackupError("復旧が時間内に終わりませんでした。")
