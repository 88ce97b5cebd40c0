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
