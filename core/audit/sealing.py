"""Sealing: the history of finished transactions is put into a chain of hashes, by a login of its own.

Every transaction of this database below the horizon of a snapshot has ended: no row of it can still appear
and none can vanish. The rows below the horizon, ordered by (transaction, id), are therefore final, whatever
order they were committed in. Nobody waits for the sealer and the sealer waits for nobody; a long transaction
only delays the sealing of what came after its start.
"""

import hashlib
import json
import logging
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connections, transaction

from core.errors import DomainError

from . import canonical

log = logging.getLogger(__name__)

SEALER = "sealer"
BLOCK_ROWS = 10_000
LAST_ID = 2**63 - 1
# The oldest transaction that the snapshot saw running; without any, the first one it did not see. Another
# database of the cluster can't write here: its transactions are left out where the lock each holds on itself
# proves whose it is. What can't be proved counts as ours, so at worst a row is sealed a minute later.
_HORIZON = """
WITH elsewhere AS MATERIALIZED (
    SELECT l.transactionid::text::bigint AS number
      FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
     WHERE l.locktype = 'transactionid' AND l.mode = 'ExclusiveLock' AND l.granted
       AND a.datid <> (SELECT oid FROM pg_database WHERE datname = current_database())
), running AS (SELECT pg_snapshot_xip(pg_current_snapshot())::text::bigint AS number)
SELECT coalesce(min(running.number), pg_snapshot_xmax(pg_current_snapshot())::text::bigint)
  FROM running WHERE mod(running.number, 4294967296) NOT IN (SELECT number FROM elsewhere)
"""
_MICROSECONDS = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
# one sealer at a time; a number of our own among the advisory locks
_LOCK = 0x5EA1


@dataclass(frozen=True)
class Head:
    """The end of the chain: the last block's number and hash, and how many rows the chain covers."""

    number: int
    hash: str
    rows: int

    @classmethod
    def none(cls) -> "Head":
        """The head of a chain without blocks."""
        return cls(0, canonical.GENESIS, 0)


def require_sealer() -> None:
    """Refuses when this process was not given the sealer's address."""
    if SEALER not in settings.DATABASES:
        raise DomainError("DATABASE_SEALER_URL が設定されていないため、履歴を封印できません。")


@contextmanager
def sealing_alone() -> Iterator[None]:
    """The only sealer of the database, in one transaction that sees one moment. A second one waits here."""
    require_sealer()
    connection = connections[SEALER]
    with connection.cursor() as cursor:
        # before the snapshot is taken, or the second one would not see what the first has sealed
        cursor.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
    try:
        with transaction.atomic(using=SEALER):
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            yield
    finally:
        if connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])


def seal_audit() -> tuple[int, Head]:
    """Seals everything that can be sealed now; answers how many rows, and the head. Repeatable.

    Raises DomainError without the sealer's address.
    """
    with sealing_alone(), connections[SEALER].cursor() as cursor:
        cursor.execute(_HORIZON)
        horizon: int = cursor.fetchone()[0]
        sealed = sum(_seal_source(cursor, source, horizon) for source in canonical.TABLES)
        head = read_head(cursor)
        database = database_name(cursor)
    if sealed:
        # cut short, or the log would take it for a secret; still a witness outside of the database
        log.info("history sealed: block %s, head %s…", head.number, head.hash[:16])
    remember_head(database, head)
    return sealed, head


def _seal_source(cursor: Any, source: str, horizon: int) -> int:
    bound = _bound(cursor, source)
    form, table, sealed = canonical.CURRENT_FORM, canonical.TABLES[source], 0
    while True:
        cursor.execute(
            f"SELECT id, transaction, {canonical.digest_sql(source, form)} FROM ("
            f" SELECT id, transaction, {canonical.values_sql(source, form)} FROM {table}"
            " WHERE (transaction, id) > (%s, %s) AND transaction < %s ORDER BY transaction, id LIMIT %s"
            ") r ORDER BY transaction, id",
            [*bound, horizon, BLOCK_ROWS],
        )
        rows = cursor.fetchall()
        if not rows:
            return sealed
        # a block that wasn't full reaches up to the horizon: what would appear below it later is foreign
        full = len(rows) == BLOCK_ROWS
        upto = (rows[-1][1], rows[-1][0]) if full else (horizon - 1, LAST_ID)
        entries = b"".join(canonical.entry(row_id, bytes(digest)) for row_id, _, digest in rows)
        add_block(cursor, source, bound, upto, len(rows), entries)
        bound, sealed = upto, sealed + len(rows)


def _bound(cursor: Any, source: str) -> tuple[int, int]:
    cursor.execute(
        "SELECT upto_transaction, upto_id FROM audit_seal WHERE source = %s ORDER BY number DESC LIMIT 1",
        [source],
    )
    row = cursor.fetchone()
    return (row[0], row[1]) if row else (0, 0)


def add_block(
    cursor: Any, source: str, after: tuple[int, int], upto: tuple[int, int], count: int, entries: bytes
) -> None:
    """Adds one block at the end of the chain. The caller is sealing alone."""
    cursor.execute("SELECT number, hash FROM audit_seal ORDER BY number DESC LIMIT 1")
    last = cursor.fetchone() or (0, canonical.GENESIS)
    cursor.execute(_MICROSECONDS)
    block = {
        "number": last[0] + 1,
        "form": canonical.CURRENT_FORM,
        "source": source,
        "after_transaction": after[0],
        "after_id": after[1],
        "upto_transaction": upto[0],
        "upto_id": upto[1],
        "count": count,
        "content": hashlib.sha256(entries).hexdigest(),
        "previous": last[1],
        "sealed_at": cursor.fetchone()[0],
    }
    cursor.execute(
        "INSERT INTO audit_seal (number, form, source, after_transaction, after_id, upto_transaction, upto_id,"
        " count, content, previous, sealed_at, hash, entries)"
        " VALUES (%(number)s, %(form)s, %(source)s, %(after_transaction)s, %(after_id)s, %(upto_transaction)s,"
        " %(upto_id)s, %(count)s, %(content)s, %(previous)s,"
        " timestamptz 'epoch' + %(sealed_at)s * interval '1 microsecond', %(hash)s, %(entries)s)",
        {**block, "hash": canonical.block_hash(block), "entries": entries},
    )


def read_head(cursor: Any) -> Head:
    """The end of the chain as the database has it."""
    cursor.execute("SELECT number, hash FROM audit_seal ORDER BY number DESC LIMIT 1")
    last = cursor.fetchone()
    if last is None:
        return Head.none()
    cursor.execute("SELECT coalesce(sum(count), 0) FROM audit_seal WHERE source <> %s", [canonical.PURGE])
    return Head(last[0], last[1], int(cursor.fetchone()[0]))


def database_name(cursor: Any) -> str:
    """What tells this database from every other, also from one of the same name made later."""
    cursor.execute(
        "SELECT (SELECT system_identifier FROM pg_control_system())::text || '-' || oid::text"
        " FROM pg_database WHERE datname = current_database()"
    )
    return str(cursor.fetchone()[0])


def witness_file(database: str) -> Path:
    """Where the last head of a database is remembered outside of it."""
    return Path(settings.AUDIT_DIR) / f"head-{database}.json"


def remember_head(database: str, head: Head) -> None:
    """Notes the head in a file: who can cut the chain in the database can't thereby cut this."""
    path = witness_file(database)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    fresh.write_text(json.dumps(asdict(head)))
    fresh.chmod(0o600)
    fresh.replace(path)


def remembered_head(database: str) -> Head | None:
    """The head that was noted last, or None where none was."""
    try:
        return Head(**json.loads(witness_file(database).read_text()))
    except FileNotFoundError:
        return None
