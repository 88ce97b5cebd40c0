from django.db import migrations

from core.audit.triggers import record_history
from core.database.guards import forbid_truncate

APPEND_ONLY = (
    "CREATE TRIGGER guard_append_only BEFORE UPDATE OR DELETE ON dispatch_checkeventextra"
    " FOR EACH ROW EXECUTE FUNCTION dispatch_guard_event();"
)
APPEND_ONLY_UNDO = "DROP TRIGGER guard_append_only ON dispatch_checkeventextra;"


class Migration(migrations.Migration):
    dependencies = [("portal_expert", "0001_check_event_extra"), ("audit", "0002_triggers")]

    operations = [
        migrations.RunSQL(APPEND_ONLY, APPEND_ONLY_UNDO),
        record_history("dispatch_checkeventextra", without=("signature_cipher",)),
        record_history("portal_expert_apitoken", without=("token_hash",)),
        forbid_truncate("dispatch_checkeventextra"),
    ]
