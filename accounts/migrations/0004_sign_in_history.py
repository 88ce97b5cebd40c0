from django.db import migrations

from core.audit.triggers import record_history


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_sign_in"), ("audit", "0002_triggers")]

    operations = [record_history("accounts_signinpolicy", "accounts_rolenetworks", "accounts_alarm")]
