from django.db import migrations

from core.database.sealing import seal_columns


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("experts", "0003_sealed_account_columns")]

    operations = [seal_columns("experts_expert", "account_number", "account_holder_kana")]
