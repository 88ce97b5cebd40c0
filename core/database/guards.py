"""Building blocks for the triggers that keep what must never happen from happening."""

from django.db.migrations.operations.special import RunSQL


def forbid_truncate(*tables: str) -> RunSQL:
    """A migration operation: nobody empties these tables, not even the owner by mistake."""
    create = [
        "CREATE OR REPLACE FUNCTION guard_no_truncate() RETURNS trigger LANGUAGE plpgsql AS $$"
        " BEGIN RAISE EXCEPTION '表 % は空にできません。', TG_TABLE_NAME USING ERRCODE = 'restrict_violation'; END $$;"
    ]
    drop = []
    for table in tables:
        create.append(
            f"CREATE TRIGGER guard_no_truncate BEFORE TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION guard_no_truncate();"
        )
        drop.append(f"DROP TRIGGER guard_no_truncate ON {table};")
    return RunSQL("".join(create), "".join(drop))


_CIPHER_ONLY = """
CREATE OR REPLACE FUNCTION guard_cipher_only() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    was jsonb := to_jsonb(OLD);
    becomes jsonb := to_jsonb(NEW);
BEGIN
    IF was - TG_ARGV[0] IS DISTINCT FROM becomes - TG_ARGV[0]
        OR split_part(was ->> TG_ARGV[0], '.', 2) IS DISTINCT FROM split_part(becomes ->> TG_ARGV[0], '.', 2)
    THEN
        RAISE EXCEPTION '表 % の記録は変えられません。', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
"""


def cipher_alone_changes(table: str, column: str) -> RunSQL:
    """A migration operation: of these records nothing changes but the cipher in one column, and never what it says.

    So records that are added and never changed follow a new key (core/database/rotation.py): the keyed fingerprint
    beside the cipher (core/secrets.py) has to stay.
    """
    return RunSQL(
        _CIPHER_ONLY + f"CREATE TRIGGER guard_cipher_only BEFORE UPDATE ON {table}"
        f" FOR EACH ROW EXECUTE FUNCTION guard_cipher_only('{column}');",
        f"DROP TRIGGER guard_cipher_only ON {table};",
    )
