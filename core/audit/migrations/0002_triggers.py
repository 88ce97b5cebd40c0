from django.db import migrations

# As it was at first; what counts today is made by a later migration from core/audit/triggers.py.
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


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial")]

    operations = [migrations.RunSQL(FUNCTION, FUNCTION_UNDO)]
