"""What a person has sent follows a new key, and stays what it was."""

from django.db import migrations

from core.database.guards import cipher_alone_changes


class Migration(migrations.Migration):
    dependencies = [("registration", "0001_registrations")]

    operations = [cipher_alone_changes("registration_submission", "content")]
