"""The SQL that writes history. One generic function, attached to a table by three statement triggers.

Statement triggers with transition tables cost one INSERT … SELECT per statement instead of one per row,
so that loading 100,000 rows stays fast. The function belongs to the owner's role (SECURITY DEFINER with a
fixed search path) and nobody may execute it but the triggers, so the application can neither write nor
forge history (docs/adr/0004-history.md).
"""

from typing import Any

from django.db.migrations.operations.special import RunSQL

_COLUMNS = (
    'at, transaction, "table", row_id, operation, old, new, actor_id, actor_name, action, reason,'
    " request_id, address, database_role"
)
_CONTEXT = "v_actor, v_name, v_act, v_why, v_request, v_address, session_user"

# The transaction is counted with 64 bits (xid8), so the number never comes round again.
RECORD = f"""
CREATE OR REPLACE FUNCTION audit_record() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public AS $$
DECLARE
    v_actor bigint := nullif(current_setting('app.actor_id', true), '')::bigint;
    v_name text := coalesce(current_setting('app.actor_name', true), '');
    v_act text := coalesce(current_setting('app.action', true), '');
    v_why text := coalesce(current_setting('app.reason', true), '');
    v_request text := coalesce(current_setting('app.request_id', true), '');
    v_address text := coalesce(current_setting('app.address', true), '');
    v_xid bigint := pg_current_xact_id()::text::bigint;
    v_secret text[] := ARRAY['password'] || TG_ARGV;
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO public.audit_change ({_COLUMNS})
        SELECT clock_timestamp(), v_xid, TG_TABLE_NAME, n.id, 'I', NULL, to_jsonb(n) - v_secret, {_CONTEXT}
          FROM new_rows n;
    ELSIF TG_OP = 'UPDATE' THEN
        INSERT INTO public.audit_change ({_COLUMNS})
        SELECT clock_timestamp(), v_xid, TG_TABLE_NAME, coalesce(o.id, n.id), 'U', to_jsonb(o) - v_secret,
               to_jsonb(n) - v_secret, {_CONTEXT}
          FROM old_rows o FULL JOIN new_rows n ON n.id = o.id
         WHERE o IS DISTINCT FROM n;
    ELSE
        INSERT INTO public.audit_change ({_COLUMNS})
        SELECT clock_timestamp(), v_xid, TG_TABLE_NAME, o.id, 'D', to_jsonb(o) - v_secret, NULL, {_CONTEXT}
          FROM old_rows o;
    END IF;
    RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION audit_record() FROM PUBLIC;
"""

# What the application may add but not shape: time, transaction and role are the database's own word, so
# nothing can be slipped in among rows that are sealed already.
ACCESS = """
CREATE OR REPLACE FUNCTION audit_stamp() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public AS $$
BEGIN
    NEW.id := nextval('public.audit_access_id_seq');
    NEW.at := clock_timestamp();
    NEW.transaction := pg_current_xact_id()::text::bigint;
    NEW.database_role := session_user;
    RETURN NEW;
END $$;
REVOKE EXECUTE ON FUNCTION audit_stamp() FROM PUBLIC;
CREATE TRIGGER audit_stamp BEFORE INSERT ON audit_access FOR EACH ROW EXECUTE FUNCTION audit_stamp();
"""
ACCESS_UNDO = "DROP TRIGGER audit_stamp ON audit_access; DROP FUNCTION audit_stamp();"

APPEND_ONLY_TABLES = ("audit_access", "audit_seal", "audit_archive")
APPEND_ONLY = "".join(
    f"CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE ON {table}"
    " FOR EACH ROW EXECUTE FUNCTION audit_refuse();"
    f"CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON {table}"
    " FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();"
    for table in APPEND_ONLY_TABLES
)
APPEND_ONLY_UNDO = "".join(
    f"DROP TRIGGER audit_append_only ON {table}; DROP TRIGGER audit_no_truncate ON {table};"
    for table in APPEND_ONLY_TABLES
)

# Purging is the one way rows of history leave: whole sealed blocks that are in a signed archive, none with
# a row younger than 31 days, whatever the caller says. The refusing triggers let nothing else through.
PURGE = """
CREATE OR REPLACE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public AS $$
BEGIN
    IF TG_OP = 'DELETE' AND TG_TABLE_NAME IN ('audit_change', 'audit_access') THEN
        IF current_setting('audit.purging', true) = 'yes' AND OLD.at < now() - interval '31 days' THEN
            RETURN OLD;
        END IF;
    END IF;
    RAISE EXCEPTION '変更履歴は書き換えられません。' USING ERRCODE = 'insufficient_privilege';
END $$;
REVOKE EXECUTE ON FUNCTION audit_refuse() FROM PUBLIC;

CREATE OR REPLACE FUNCTION audit_purge(p_last_block bigint) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public AS $$
DECLARE
    v_block record;
    v_count bigint;
    v_total bigint := 0;
BEGIN
    PERFORM set_config('audit.purging', 'yes', true);
    FOR v_block IN
        SELECT s.* FROM public.audit_seal s
         WHERE s.number <= p_last_block AND s.source IN ('C', 'A')
           AND s.number > coalesce((SELECT max(p.upto_id) FROM public.audit_seal p WHERE p.source = 'P'), 0)
         ORDER BY s.number
    LOOP
        IF NOT EXISTS (SELECT 1 FROM public.audit_archive a
                        WHERE v_block.number BETWEEN a.first_block AND a.last_block) THEN
            RAISE EXCEPTION '封印 % は保管ファイルにないため、消去できません。', v_block.number
                USING ERRCODE = 'restrict_violation';
        END IF;
        IF v_block.sealed_at >= now() - interval '31 days' THEN
            RAISE EXCEPTION '31日以内の履歴は消去できません。' USING ERRCODE = 'restrict_violation';
        END IF;
        IF v_block.source = 'C' THEN
            DELETE FROM public.audit_change
             WHERE (transaction, id) > (v_block.after_transaction, v_block.after_id)
               AND (transaction, id) <= (v_block.upto_transaction, v_block.upto_id);
        ELSE
            DELETE FROM public.audit_access
             WHERE (transaction, id) > (v_block.after_transaction, v_block.after_id)
               AND (transaction, id) <= (v_block.upto_transaction, v_block.upto_id);
        END IF;
        GET DIAGNOSTICS v_count = ROW_COUNT;
        v_total := v_total + v_count;
    END LOOP;
    PERFORM set_config('audit.purging', '', true);
    RETURN v_total;
END $$;
REVOKE EXECUTE ON FUNCTION audit_purge(bigint) FROM PUBLIC;
"""
PURGE_UNDO = "DROP FUNCTION audit_purge(bigint);"


class RecordHistory(RunSQL):
    """Attaches the history triggers to tables; `tables` tells the standing check what to look for."""

    def __init__(self, sql: Any, reverse_sql: Any, tables: tuple[str, ...] = ()) -> None:
        super().__init__(sql, reverse_sql)
        self.tables = tables


def record_history(*tables: str, without: tuple[str, ...] = ()) -> RunSQL:
    """A migration operation: from now on every insert, update and delete in these tables leaves history.

    Columns named in `without` (secrets) never enter it; `password` never does.
    """
    secrets = ", ".join(f"'{column}'" for column in without)
    create, drop = [], []
    for table in tables:
        create.append(
            f"CREATE TRIGGER audit_insert AFTER INSERT ON {table} REFERENCING NEW TABLE AS new_rows"
            f" FOR EACH STATEMENT EXECUTE FUNCTION audit_record({secrets});"
            f"CREATE TRIGGER audit_update AFTER UPDATE ON {table}"
            " REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows"
            f" FOR EACH STATEMENT EXECUTE FUNCTION audit_record({secrets});"
            f"CREATE TRIGGER audit_delete AFTER DELETE ON {table} REFERENCING OLD TABLE AS old_rows"
            f" FOR EACH STATEMENT EXECUTE FUNCTION audit_record({secrets});"
        )
        for name in ("audit_insert", "audit_update", "audit_delete"):
            drop.append(f"DROP TRIGGER {name} ON {table};")
    return RecordHistory("".join(create), "".join(drop), tables)
