from django.db import migrations

from core.audit.triggers import record_history
from core.database.guards import forbid_truncate

# What people say and set. Signals and fingerprints themselves are what a job found and finds again, as findings are.
SAID = ("dispatch_findingreview", "dispatch_signaldecision", "dispatch_signalterms")


class Migration(migrations.Migration):
    dependencies = [("dispatch", "0009_findings_and_signals"), ("audit", "0002_triggers")]

    operations = [
        record_history(*SAID),
        forbid_truncate(*SAID, "dispatch_endedfinding", "dispatch_reviewsignal"),
    ]
