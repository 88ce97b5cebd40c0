from django.db import migrations

from core.audit.triggers import record_history


class Migration(migrations.Migration):
    dependencies = [("programme", "0003_dispatch_terms"), ("audit", "0002_triggers")]

    operations = [record_history("programme_dispatchterms")]
