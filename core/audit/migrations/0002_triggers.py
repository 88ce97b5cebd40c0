from django.db import migrations

from core.audit import triggers


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial")]

    operations = [migrations.RunSQL(triggers.FUNCTION, triggers.FUNCTION_UNDO)]
