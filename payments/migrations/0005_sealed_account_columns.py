from django.db import migrations

import core.database.fields


class Migration(migrations.Migration):
    """Bank data of the payer and of the copies in payouts become encrypted, as those of experts do."""

    dependencies = [("payments", "0004_frozen_evidence"), ("experts", "0005_accounts_stay_sealed")]

    operations = [
        migrations.AlterField(
            model_name="payer",
            name="account_number",
            field=core.database.fields.EncryptedTextField(db_collation="C", verbose_name="口座番号"),
        ),
        migrations.AlterField(
            model_name="payout",
            name="account_number",
            field=core.database.fields.EncryptedTextField(db_collation="C", verbose_name="口座番号"),
        ),
        migrations.AlterField(
            model_name="payout",
            name="account_holder_kana",
            field=core.database.fields.EncryptedTextField(db_collation="C", verbose_name="口座名義カナ"),
        ),
    ]
