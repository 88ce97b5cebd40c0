from django.db import migrations

from core.database.sealing import seal_columns, seal_json_value


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("payments", "0005_sealed_account_columns")]

    operations = [
        seal_columns("payments_payer", "account_number"),
        seal_columns("payments_payout", "account_number", "account_holder_kana"),
        seal_json_value("payments_payoutrun", "payer_copy", "account_number"),
    ]
