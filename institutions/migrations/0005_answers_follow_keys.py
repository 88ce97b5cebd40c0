"""What a new operator has sent follows a new key, and stays what it was."""

from django.db import migrations

from core.database.guards import cipher_alone_changes


class Migration(migrations.Migration):
    dependencies = [("institutions", "0004_operator_changes")]

    operations = [cipher_alone_changes("institutions_operatoranswer", "content")]
