"""History as signed files, one a month, and its leaving the database after the retention.

A file holds whole blocks of the chain in their order, each followed by its rows as text in the canonical
columns (core/audit/canonical.py), as JSON lines in gzip. The same blocks give the same bytes. Beside it stands a
manifest with count, head and SHA-256, signed. So a file proves itself without the database, and the chain goes on
from one file to the next.
"""

import base64
import datetime as dt
import gzip
import hashlib
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.conf import settings
from django.db import connections

from core import clock
from core.clock import JST
from core.errors import DomainError

from . import canonical, signing
from .retention import retention_days
from .sealing import SEALER, add_block, sealing_alone

FORMAT = "dispatch-audit-archive-1"
_HEADER_SQL = ", ".join(
    "(extract(epoch FROM sealed_at) * 1000000)::bigint" if name == "sealed_at" else name
    for name in canonical.HEADER
)


@dataclass(frozen=True)
class Written:
    """One archive file that was written."""

    month: str
    path: Path
    count: int


def archive_folder() -> Path:
    """Where the files of the months are."""
    return Path(settings.AUDIT_DIR) / "archive"


def _month_after(moment: dt.datetime) -> dt.datetime:
    local = moment.astimezone(JST)
    year, month = divmod(local.year * 12 + local.month, 12)
    return dt.datetime(year, month + 1, 1, tzinfo=JST)


def archive_months() -> list[Written]:
    """Writes a file for each month that has ended and isn't archived yet; answers which. Repeatable.

    A month has one file. What a clock that was set back seals in a month that has its file goes into the next one's,
    and a seal of a clock that was ahead into the file of those around it.
    """
    written: list[Written] = []
    this_month = clock.today().replace(day=1)
    while True:
        with sealing_alone(), connections[SEALER].cursor() as cursor:
            cursor.execute("SELECT coalesce(max(last_block), 0) + 1, max(month) FROM audit_archive")
            first, latest = cursor.fetchone()
            cursor.execute("SELECT min(sealed_at) FROM audit_seal WHERE number >= %s", [first])
            (sealed_at,) = cursor.fetchone()
            if sealed_at is None:
                return written
            start = sealed_at.astimezone(JST)
            if latest is not None:
                start = max(start, _month_after(dt.datetime.fromisoformat(f"{latest}-01T00:00:00+09:00")))
            if start.date() >= this_month:
                return written
            cursor.execute("SELECT max(number) FROM audit_seal WHERE sealed_at < %s", [_month_after(start)])
            written.append(_write(cursor, f"{start:%Y-%m}", first, cursor.fetchone()[0]))


def _write(cursor: Any, month: str, first: int, last: int) -> Written:
    folder = archive_folder()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"audit-{month}.jsonl.gz"
    with _replaced(path) as file:
        counted = _Hashing(file)
        with gzip.GzipFile(filename="", mode="wb", fileobj=counted, compresslevel=6, mtime=0) as packed:
            count, head, previous = 0, "", ""
            for number in range(first, last + 1):
                rows, block = _block_lines(cursor, number, packed)
                count, head = count + rows, block["hash"]
                previous = previous or block["previous"]
    manifest = {
        "format": FORMAT,
        "month": month,
        "file": path.name,
        "first_block": first,
        "last_block": last,
        "count": count,
        "previous": previous,
        "head": head,
        "sha256": counted.digest(),
    }
    signature = signing.sign(_plain(manifest))
    with _replaced(manifest_of(path)) as file:
        file.write(json.dumps({**manifest, "signature": signature}, indent=1, ensure_ascii=False).encode())
    (folder / "public-key.pem").write_text(signing.public_key_text())
    cursor.execute(
        "INSERT INTO audit_archive (month, first_block, last_block, count, head, file_name, sha256, signature)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
        [month, first, last, count, head, path.name, manifest["sha256"], signature],
    )
    return Written(month, path, count)


def manifest_of(path: Path) -> Path:
    """The manifest that belongs to an archive file."""
    return path.with_name(path.name.removesuffix(".jsonl.gz") + ".manifest.json")


def _block_lines(cursor: Any, number: int, file: Any) -> tuple[int, dict[str, Any]]:
    cursor.execute(f"SELECT {_HEADER_SQL}, hash, entries FROM audit_seal WHERE number = %s", [number])
    *values, block_hash, entries = cursor.fetchone()
    block = dict(zip(canonical.HEADER, values, strict=True))
    line = {**block, "hash": block_hash, "entries": base64.b64encode(bytes(entries)).decode()}
    file.write(_plain({"block": line}) + b"\n")
    source, form = block["source"], block["form"]
    if source == canonical.PURGE:
        return 0, line
    columns = canonical.COLUMNS[form][source]
    cursor.execute(
        f"SELECT {canonical.values_sql(source, form)} FROM {canonical.TABLES[source]}"
        " WHERE (transaction, id) > (%s, %s) AND (transaction, id) <= (%s, %s) ORDER BY transaction, id",
        [block["after_transaction"], block["after_id"], block["upto_transaction"], block["upto_id"]],
    )
    rows = cursor.fetchall()
    for row in rows:
        file.write(_plain({"row": dict(zip(columns, row, strict=True))}) + b"\n")
    return len(rows), line


def _plain(value: Any) -> bytes:
    """JSON with one way to write it."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


class _Hashing:
    """A file that is written and hashed at once."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._digest = file, hashlib.sha256()

    def write(self, data: bytes) -> int:
        """Writes and remembers."""
        self._digest.update(data)
        return self._file.write(data)

    def flush(self) -> None:
        """Hands on what is buffered."""
        self._file.flush()

    def digest(self) -> str:
        """The SHA-256 of all that was written."""
        return self._digest.hexdigest()


@contextmanager
def _replaced(path: Path) -> Iterator[BinaryIO]:
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with fresh.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        fresh.chmod(0o400)
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)


def archive_problem(path: Path, *keys: Ed25519PublicKey) -> str:
    """What is wrong with an archive file and its manifest, in one line; "" when both are as one of the keys signed them."""
    try:
        manifest = json.loads(manifest_of(path).read_bytes())
        signature = manifest.pop("signature")
        if manifest["format"] != FORMAT or manifest["file"] != path.name:
            return f"{path.name} の目録が別のファイルのものです。"
    except FileNotFoundError:
        return f"{path.name} の目録（{manifest_of(path).name}）がありません。"
    except (ValueError, KeyError, TypeError, AttributeError):
        return f"{path.name} の目録を読めません。"
    if not isinstance(signature, str) or not signing.is_signed(_plain(manifest), signature, *keys):
        return f"{path.name} の目録の署名が正しくありません。"
    if not path.is_file():
        return f"{path.name} がありません。"
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != manifest["sha256"]:
        return f"{path.name} が書き換えられています（SHA-256 が目録と違います）。"
    return _content_problem(path, manifest)


def _content_problem(path: Path, manifest: dict[str, Any]) -> str:
    previous, number, count = manifest["previous"], manifest["first_block"] - 1, 0
    waiting: list[tuple[int, bytes]] = []
    source, form = "", 0
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            entry = json.loads(line)
            if block := entry.get("block"):
                entries = base64.b64decode(block["entries"])
                right = (
                    not waiting
                    and block["number"] == number + 1
                    and block["previous"] == previous
                    and hashlib.sha256(entries).hexdigest() == block["content"]
                    and canonical.block_hash(block) == block["hash"]
                )
                if not right:
                    return f"{path.name} の封印 {block['number']} が連鎖と合いません。"
                previous, number = block["hash"], block["number"]
                source, form = block["source"], block["form"]
                waiting = canonical.entries_of(entries)[::-1]
            else:
                row = entry["row"]
                expected = waiting.pop() if waiting else (0, b"")
                if expected != (int(row["id"]), canonical.digest_of(row, source, form)):
                    return f"{path.name} の履歴 {row['id']} が封印 {number} と合いません。"
                count += 1
    if waiting or (number, previous, count) != (manifest["last_block"], manifest["head"], manifest["count"]):
        return f"{path.name} の件数または最後の封印が目録と合いません。"
    return ""


def purge_audit() -> int:
    """Removes history older than the retention that stands in files which are still as signed; answers how many rows.

    The database refuses what is younger than 31 days or in no archive. The chain stays whole: the blocks remain,
    and one more says what was removed.
    """
    limit = clock.now() - dt.timedelta(days=retention_days())
    with sealing_alone(), connections[SEALER].cursor() as cursor:
        cursor.execute("SELECT coalesce(max(upto_id), 0) FROM audit_seal WHERE source = 'P'")
        purged = cursor.fetchone()[0]
        cursor.execute(
            "SELECT month, last_block, file_name FROM audit_archive WHERE last_block > %s ORDER BY last_block",
            [purged],
        )
        last = purged
        for _, last_block, name in cursor.fetchall():
            cursor.execute("SELECT sealed_at FROM audit_seal WHERE number = %s", [last_block])
            if cursor.fetchone()[0] >= limit:
                break
            if problem := archive_problem(archive_folder() / name, *signing.own_public_keys()):
                raise DomainError(f"{problem}履歴は消していません。")
            last = last_block
        if last == purged:
            return 0
        cursor.execute("SELECT audit_purge(%s)", [last])
        removed: int = cursor.fetchone()[0]
        add_block(cursor, canonical.PURGE, (0, purged), (0, last), removed, b"")
        return removed
