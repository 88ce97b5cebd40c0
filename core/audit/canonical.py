"""The one form in which a row of history is hashed: text with a length before each value.

`<bytes>:<value>,` for every column in a fixed order, `-,` for NULL; so no value can pass for two, or for
none. The database writes the form of its own values (`form_sql`), whoever holds a file writes the same with
`form_of`. A form never changes: a new column makes a new form, and blocks say which one they are in.
"""

import hashlib
from collections.abc import Iterable, Mapping

CHANGES, ACCESSES, PURGE = "C", "A", "P"
TABLES = {CHANGES: "audit_change", ACCESSES: "audit_access"}
CURRENT_FORM = 1
GENESIS = "0" * 64

# form → source → columns in their order
COLUMNS: dict[int, dict[str, tuple[str, ...]]] = {
    1: {
        CHANGES: (
            "id", "at", "transaction", "table", "row_id", "operation", "old", "new", "actor_id", "actor_name",
            "action", "reason", "request_id", "address", "database_role",
        ),
        ACCESSES: (
            "id", "at", "transaction", "actor_id", "actor_name", "what", "table", "row_ids", "label", "reason",
            "fields", "row_count", "request_id", "address", "database_role",
        ),
    }
}  # fmt: skip


def text_sql(column: str) -> str:
    """The column as text that depends on no setting of the session: a time is microseconds since 1970."""
    if column == "at":
        return "(extract(epoch FROM at) * 1000000)::bigint::text"
    return f'"{column}"::text'


def values_sql(source: str, form: int) -> str:
    """The select list of a row's values as text, named v0, v1, …"""
    columns = COLUMNS[form][source]
    return ", ".join(f"{text_sql(column)} AS v{n}" for n, column in enumerate(columns))


def digest_sql(source: str, form: int) -> str:
    """The SHA-256 of the canonical form of a row whose values are named v0, v1, …"""
    parts = (
        f"coalesce(octet_length(v{n})::text || ':' || v{n}, '-'), ','"
        for n in range(len(COLUMNS[form][source]))
    )
    return f"sha256(convert_to(concat({', '.join(parts)}), 'UTF8'))"


def form_of(values: Iterable[str | None]) -> bytes:
    """The canonical form of values that are text already."""
    parts = []
    for value in values:
        if value is None:
            parts.append(b"-,")
        else:
            data = value.encode()
            parts.append(b"%d:%s," % (len(data), data))
    return b"".join(parts)


def digest_of(row: Mapping[str, str | None], source: str, form: int) -> bytes:
    """The SHA-256 of a row taken from a file."""
    return hashlib.sha256(form_of(row[column] for column in COLUMNS[form][source])).digest()


ENTRY = 40  # bytes of one entry of a block: the row's id (8) and its digest (32)


def entry(row_id: int, digest: bytes) -> bytes:
    """How a block keeps one row."""
    return row_id.to_bytes(8, "big") + digest


def entries_of(block: bytes) -> list[tuple[int, bytes]]:
    """The rows a block covers: id and digest, in their order."""
    return [
        (int.from_bytes(block[at : at + 8], "big"), block[at + 8 : at + ENTRY])
        for at in range(0, len(block), ENTRY)
    ]


HEADER = (
    "number", "form", "source", "after_transaction", "after_id", "upto_transaction", "upto_id", "count",
    "content", "previous", "sealed_at",
)  # fmt: skip


def block_hash(block: Mapping[str, object]) -> str:
    """The hash of a block: over its bounds, its content and the hash of the block before. `sealed_at` is µs."""
    return hashlib.sha256(form_of(str(block[name]) for name in HEADER)).hexdigest()
