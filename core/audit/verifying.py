"""Checking the chain: every block against the one before it, every sealed row against its digest.

What is found: a row that was changed, removed, slipped in or moved; a block that was changed, removed or
rewritten; a tail that was cut, as far as a head is known from elsewhere (the file the sealer keeps, the signed
archives, `--expect-head`). What is not yet sealed can't be checked: the newest minute, or what a long
transaction holds up.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Any

from django.db import connection, transaction

from . import canonical
from .canonical import ACCESSES, CHANGES, GENESIS, PURGE
from .models import Change
from .sealing import Head, database_name, remembered_head

_NAMES = {CHANGES: "変更履歴", ACCESSES: "閲覧・出力の記録"}


@dataclass(frozen=True)
class Verification:
    """What a check found: the first bad entry in words, or "" when all is whole."""

    problem: str
    head: Head
    unsealed: int


class Broken(Exception):
    """The first bad entry, in words."""


@dataclass(frozen=True)
class Block:
    """A block without the digests of its rows."""

    number: int
    form: int
    source: str
    after: tuple[int, int]
    upto: tuple[int, int]
    count: int
    content: str
    previous: str
    hash: str
    sealed_at: int

    @classmethod
    def of(cls, row: tuple[Any, ...]) -> "Block":
        """From the columns of _BLOCK_COLUMNS."""
        return cls(row[0], row[1], row[2], (row[3], row[4]), (row[5], row[6]), *row[7:])

    def computed_hash(self) -> str:
        """What the hash has to be, given everything else."""
        return canonical.block_hash(
            {
                "number": self.number,
                "form": self.form,
                "source": self.source,
                "after_transaction": self.after[0],
                "after_id": self.after[1],
                "upto_transaction": self.upto[0],
                "upto_id": self.upto[1],
                "count": self.count,
                "content": self.content,
                "previous": self.previous,
                "sealed_at": self.sealed_at,
            }
        )


_BLOCK_COLUMNS = (
    "number, form, source, after_transaction, after_id, upto_transaction, upto_id, count, content, previous,"
    " hash, (extract(epoch FROM sealed_at) * 1000000)::bigint"
)


def verify_audit(expect_head: str = "") -> Verification:
    """Checks the whole chain as of one moment. `expect_head`: a head known from elsewhere must be part of it."""
    with transaction.atomic(), connection.cursor() as cursor:
        if not _in_test_transaction():
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        blocks = _blocks(cursor)
        head = _head_of(blocks)
        problem = ""
        try:
            _check_chain(blocks)
            _check_known_heads(cursor, blocks, expect_head)
            purged = _check_purges(cursor, blocks)
            for source in canonical.TABLES:
                _check_rows([block for block in blocks if block.source == source], source, purged)
        except Broken as found:
            problem = str(found)
        return Verification(problem, head, _unsealed(cursor, blocks))


def _in_test_transaction() -> bool:
    return len(connection.savepoint_ids) > 0


def _blocks(cursor: Any) -> list[Block]:
    cursor.execute(f"SELECT {_BLOCK_COLUMNS} FROM audit_seal ORDER BY number")
    return [Block.of(row) for row in cursor.fetchall()]


def _head_of(blocks: list[Block]) -> Head:
    if not blocks:
        return Head.none()
    rows = sum(block.count for block in blocks if block.source != PURGE)
    return Head(blocks[-1].number, blocks[-1].hash, rows)


def _check_chain(blocks: list[Block]) -> None:
    previous, number = GENESIS, 0
    bounds: dict[str, tuple[int, int]] = {}
    for block in blocks:
        if block.number != number + 1:
            raise Broken(f"封印 {number + 1} がありません（封印が削除されています）。")
        if block.form not in canonical.COLUMNS or block.hash != block.computed_hash():
            raise Broken(f"封印 {block.number} が書き換えられています。")
        if block.previous != previous:
            raise Broken(f"封印 {block.number} が前の封印とつながっていません。")
        if block.source != PURGE and block.after != bounds.get(block.source, (0, 0)):
            raise Broken(f"封印 {block.number} の範囲が前の封印とつながっていません。")
        bounds[block.source] = block.upto
        previous, number = block.hash, block.number


def _check_known_heads(cursor: Any, blocks: list[Block], expect_head: str) -> None:
    hashes = {block.hash: block.number for block in blocks} | {GENESIS: 0}
    if expect_head and expect_head.lower() not in hashes:
        raise Broken(
            f"指定された封印の値 {expect_head} が連鎖にありません（末尾が切り取られたか、作り直されています）。"
        )
    seen = remembered_head(database_name(cursor))
    if seen and hashes.get(seen.hash) != seen.number:
        raise Broken(
            f"以前に確かめた封印 {seen.number} が連鎖にありません（末尾が切り取られたか、作り直されています）。"
        )
    cursor.execute("SELECT month, last_block, head FROM audit_archive ORDER BY month")
    for month, last_block, head in cursor.fetchall():
        if hashes.get(head) != last_block:
            raise Broken(f"保管ファイル {month} の最後の封印 {last_block} が連鎖にありません。")


def _check_purges(cursor: Any, blocks: list[Block]) -> int:
    """The last block whose rows were purged; each purge must be covered by archives."""
    purged = max((block.upto[1] for block in blocks if block.source == PURGE), default=0)
    cursor.execute("SELECT first_block, last_block FROM audit_archive ORDER BY first_block")
    kept = cursor.fetchall()
    if purged:
        whole = bool(kept) and kept[0][0] == 1 and kept[-1][1] >= purged
        whole = whole and all(after[0] == before[1] + 1 for before, after in pairwise(kept))
        if not whole:
            raise Broken(f"消去された封印 {purged} までの保管ファイルが揃っていません。")
    return purged


def _check_rows(blocks: list[Block], source: str, purged: int) -> None:
    """All rows of a source, in the order of the chain, beside the digests of its blocks."""
    gone = [block for block in blocks if block.number <= purged]
    start = gone[-1].upto if gone else (0, 0)
    table = canonical.TABLES[source]
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id FROM {table} WHERE (transaction, id) <= (%s, %s) ORDER BY transaction, id LIMIT 1",
            [*start],
        )
        if extra := cursor.fetchone():
            raise Broken(
                f"{_NAMES[source]} {extra[0]} が後から挿入されています（消去された範囲にあります）。"
            )
    for form, group in groupby(blocks[len(gone) :], key=lambda block: block.form):
        same = list(group)
        rows = _stream(source, form, same[0].after, same[-1].upto)
        row = next(rows, None)
        for block in same:
            for row_id, digest in _digests(block):
                if row is None or row[0] > block.upto:
                    raise Broken(_missing(source, row_id, block))
                key, found = row
                if key[1] != row_id:
                    raise Broken(_displaced(source, key, row_id, block))
                if found != digest:
                    raise Broken(_changed(source, row_id, block))
                row = next(rows, None)
            if row is not None and row[0] <= block.upto:
                raise Broken(_inserted(source, row[0][1], block))


def _stream(
    source: str, form: int, after: tuple[int, int], upto: tuple[int, int]
) -> Iterator[tuple[tuple[int, int], bytes]]:
    cursor = connection.chunked_cursor()
    try:
        cursor.execute(
            f"SELECT transaction, id, {canonical.digest_sql(source, form)} FROM ("
            f" SELECT id, transaction, {canonical.values_sql(source, form)} FROM {canonical.TABLES[source]}"
            " WHERE (transaction, id) > (%s, %s) AND (transaction, id) <= (%s, %s)"
            " ORDER BY transaction, id OFFSET 0) r",
            [*after, *upto],
        )
        while rows := cursor.fetchmany(5_000):
            for number, row_id, digest in rows:
                yield (number, row_id), bytes(digest)
    finally:
        cursor.close()


def _digests(block: Block) -> list[tuple[int, bytes]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT entries FROM audit_seal WHERE number = %s", [block.number])
        entries = bytes(cursor.fetchone()[0])
    if hashlib.sha256(entries).hexdigest() != block.content:
        raise Broken(f"封印 {block.number} の行の要約が書き換えられています。")
    if len(entries) != block.count * canonical.ENTRY:
        raise Broken(f"封印 {block.number} の件数が行の要約と合いません。")
    return canonical.entries_of(entries)


def _exists(source: str, row_id: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT 1 FROM {canonical.TABLES[source]} WHERE id = %s", [row_id])
        return cursor.fetchone() is not None


def _missing(source: str, row_id: int, block: Block) -> str:
    if _exists(source, row_id):
        return f"{_NAMES[source]} {row_id} の位置が変えられています（封印 {block.number}）。"
    return f"{_NAMES[source]} {row_id} が削除されています（封印 {block.number}）。"


def _displaced(source: str, key: tuple[int, int], row_id: int, block: Block) -> str:
    if not _exists(source, row_id):
        return f"{_NAMES[source]} {row_id} が削除されています（封印 {block.number}）。"
    with connection.cursor() as cursor:
        cursor.execute("SELECT entries FROM audit_seal WHERE number = %s", [block.number])
        known = {known_id for known_id, _ in canonical.entries_of(bytes(cursor.fetchone()[0]))}
    if key[1] not in known:
        return _inserted(source, key[1], block)
    return f"{_NAMES[source]} {row_id} の位置が変えられています（封印 {block.number}）。"


def _inserted(source: str, row_id: int, block: Block) -> str:
    return f"{_NAMES[source]} {row_id} が後から挿入されています（封印 {block.number}）。"


def _changed(source: str, row_id: int, block: Block) -> str:
    about = ""
    if source == CHANGES:
        change = Change.objects.get(pk=row_id)
        about = f"、{change.table} {change.row_id}"
    return f"{_NAMES[source]} {row_id} の内容が書き換えられています（封印 {block.number}{about}）。"


def _unsealed(cursor: Any, blocks: list[Block]) -> int:
    waiting = 0
    for source, table in canonical.TABLES.items():
        upto = next((block.upto for block in reversed(blocks) if block.source == source), (0, 0))
        cursor.execute(f"SELECT count(*) FROM {table} WHERE (transaction, id) > (%s, %s)", [*upto])
        waiting += cursor.fetchone()[0]
    return waiting
