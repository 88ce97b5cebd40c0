from django.db import migrations

# A waiver changes what a calculation gives: it waits for an approval under way, and stays as it was once its
# dispatch is in an approved run (see 0004).
GUARD = """
CREATE TRIGGER wait_for_approval BEFORE INSERT OR UPDATE OR DELETE ON dispatch_waiver
    FOR EACH STATEMENT EXECUTE FUNCTION payments_wait_for_approval();
CREATE TRIGGER guard_frozen_insert AFTER INSERT ON dispatch_waiver REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION payments_guard_evidence();
CREATE TRIGGER guard_frozen_update AFTER UPDATE ON dispatch_waiver
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION payments_guard_evidence();
"""
GUARD_UNDO = """
DROP TRIGGER guard_frozen_update ON dispatch_waiver;
DROP TRIGGER guard_frozen_insert ON dispatch_waiver;
DROP TRIGGER wait_for_approval ON dispatch_waiver;
"""


class Migration(migrations.Migration):
    dependencies = [("payments", "0007_accounts_stay_sealed"), ("dispatch", "0004_work_guards")]

    operations = [migrations.RunSQL(GUARD, GUARD_UNDO)]
