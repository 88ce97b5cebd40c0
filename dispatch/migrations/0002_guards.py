from django.db import migrations

from core.audit.triggers import record_history
from core.database.guards import forbid_truncate

STATUS_GUARD = """
CREATE TABLE dispatch_transition (
    source text NOT NULL, action text NOT NULL, target text NOT NULL,
    PRIMARY KEY (source, action, target)
);

CREATE FUNCTION dispatch_guard_status() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public AS $$
DECLARE
    step text := coalesce(current_setting('app.transition', true), '');
    before text := CASE WHEN TG_OP = 'INSERT' THEN '' ELSE OLD.status END;
BEGIN
    IF NOT EXISTS (SELECT 1 FROM public.dispatch_transition t
                    WHERE t.source = before AND t.action = step AND t.target = NEW.status) THEN
        RAISE EXCEPTION '派遣 % の状態を「%」から「%」へ変更する手続き（%）はありません。',
            NEW.number, before, NEW.status, coalesce(nullif(step, ''), 'なし')
            USING ERRCODE = 'check_violation', CONSTRAINT = 'dispatch_transition';
    END IF;
    IF TG_OP = 'UPDATE' THEN
        INSERT INTO public.dispatch_statuschange (dispatch_id, at, action, from_status, to_status,
               actor_id, actor_name, reason)
        VALUES (NEW.id, clock_timestamp(), step, OLD.status, NEW.status,
               nullif(current_setting('app.actor_id', true), '')::bigint,
               coalesce(current_setting('app.actor_name', true), ''),
               coalesce(current_setting('app.reason', true), ''));
    END IF;
    RETURN NEW;
END $$;
REVOKE EXECUTE ON FUNCTION dispatch_guard_status() FROM PUBLIC;
CREATE TRIGGER guard_status_insert BEFORE INSERT ON dispatch_dispatch
    FOR EACH ROW WHEN (NEW.status <> 'draft') EXECUTE FUNCTION dispatch_guard_status();
CREATE TRIGGER guard_status_update BEFORE UPDATE OF status ON dispatch_dispatch
    FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status) EXECUTE FUNCTION dispatch_guard_status();

CREATE FUNCTION dispatch_guard_event() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'チェックイン・アウトの記録は書き換えられません。' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER guard_append_only BEFORE UPDATE OR DELETE ON dispatch_checkevent
    FOR EACH ROW EXECUTE FUNCTION dispatch_guard_event();
"""

STATUS_GUARD_UNDO = """
DROP TRIGGER guard_append_only ON dispatch_checkevent;
DROP FUNCTION dispatch_guard_event();
DROP TRIGGER guard_status_update ON dispatch_dispatch;
DROP TRIGGER guard_status_insert ON dispatch_dispatch;
DROP FUNCTION dispatch_guard_status();
DROP TABLE dispatch_transition;
"""


def copy_transitions(apps, schema_editor):
    """The steps of dispatch/transitions.py, as rows the trigger can see."""
    from dispatch.transitions import TRANSITIONS

    with schema_editor.connection.cursor() as cursor:
        cursor.execute("DELETE FROM dispatch_transition")
        cursor.executemany(
            "INSERT INTO dispatch_transition (source, action, target) VALUES (%s, %s, %s)",
            [(str(step.source), step.action, str(step.target)) for step in TRANSITIONS],
        )


class Migration(migrations.Migration):
    dependencies = [("dispatch", "0001_initial"), ("audit", "0002_triggers")]

    operations = [
        migrations.RunSQL(STATUS_GUARD, STATUS_GUARD_UNDO),
        migrations.RunPython(copy_transitions, migrations.RunPython.noop),
        record_history(
            "dispatch_company",
            "dispatch_dispatch",
            "dispatch_checkevent",
            "dispatch_declaration",
            "dispatch_travelline",
        ),
        forbid_truncate(
            "dispatch_company",
            "dispatch_dispatch",
            "dispatch_checkevent",
            "dispatch_declaration",
            "dispatch_travelline",
            "dispatch_statuschange",
        ),
    ]
