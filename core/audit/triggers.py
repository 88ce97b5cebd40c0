"""The SQL that writes history. One generic function, attached to a table by three statement triggers.

Statement triggers with transition tables cost one INSERT … SELECT per statement instead of one per row,
so that loading 100,000 rows stays fast. The function belongs to the owner's role (SECURITY DEFINER with a
fixed search path) and nobody may execute it but the triggers, so the application can neither write nor
forge history (docs/adr/0004-history.md).
"""

from django.db.migrations.operations.special import RunSQL

FUNCTION = """
CREATE FUNCTION audit_record() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public AS $$
DECLARE
    v_actor text := nullif(current_setting('app.actor_id', true), '');
    v_name text := coalesce(current_setting('app.actor_name', true), '');
    v_act text := coalesce(current_setting('app.action', true), '');
    v_why text := coalesce(current_setting('app.reason', true), '');
    v_request text := coalesce(current_setting('app.request_id', true), '');
    v_xid bigint := pg_current_xact_id()::text::bigint;
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO public.audit_change (at, transaction, "table", row_id, operation, old, new, actor_id,
               actor_name, action, reason, request_id, database_role)
        SELECT clock_timestamp(), v_xid, TG_TABLE_NAME, n.id, 'I', NULL, to_jsonb(n) - 'password', v_actor::bigint,
               v_name, v_act, v_why, v_request, session_user
          FROM new_rows n;
    ELSIF TG_OP = 'UPDATE' THEN
        INSERT INTO public.audit_change (at, transaction, "table", row_id, operation, old, new, actor_id,
               actor_name, action, reason, request_id, database_role)
        SELECT clock_timestamp(), v_xid, TG_TABLE_NAME, coalesce(o.id, n.id), 'U', to_jsonb(o) - 'password', to_jsonb(n) - 'password',
               v_actor::bigint, v_name, v_act, v_why, v_request, session_user
          FROM old_rows o FULL JOIN new_rows n ON n.id = o.id
         WHERE o IS DISTINCT FROM n;
    ELSE
        INSERT INTO public.audit_change (at, transaction, "table", row_id, operation, old, new, actor_id,
               actor_name, action, reason, request_id, database_role)
        SELECT clock_timestamp(), v_xid, TG_TABLE_NAME, o.id, 'D', to_jsonb(o) - 'password', NULL, v_actor::bigint,
               v_name, v_act, v_why, v_request, session_user
          FROM old_rows o;
    END IF;
    RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION audit_record() FROM PUBLIC;

CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '変更履歴は書き換えられません。' USING ERRCODE = 'insufficient_privilege';
END $$;
REVOKE EXECUTE ON FUNCTION audit_refuse() FROM PUBLIC;
CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE ON audit_change
    FOR EACH ROW EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON audit_change
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();
"""

FUNCTION_UNDO = """
DROP TRIGGER audit_append_only ON audit_change;
DROP TRIGGER audit_no_truncate ON audit_change;
DROP FUNCTION audit_refuse();
DROP FUNCTION audit_record();
"""


def record_history(*tables: str) -> RunSQL:
    """A migration operation: from now on every insert, update and delete in these tables leaves history."""
    create, drop = [], []
    for table in tables:
        create.append(
            f"CREATE TRIGGER audit_insert AFTER INSERT ON {table} REFERENCING NEW TABLE AS new_rows"
            " FOR EACH STATEMENT EXECUTE FUNCTION audit_record();"
            f"CREATE TRIGGER audit_update AFTER UPDATE ON {table}"
            " REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows"
            " FOR EACH STATEMENT EXECUTE FUNCTION audit_record();"
            f"CREATE TRIGGER audit_delete AFTER DELETE ON {table} REFERENCING OLD TABLE AS old_rows"
            " FOR EACH STATEMENT EXECUTE FUNCTION audit_record();"
        )
        for name in ("audit_insert", "audit_update", "audit_delete"):
            drop.append(f"DROP TRIGGER {name} ON {table};")
    return RunSQL("".join(create), "".join(drop))
