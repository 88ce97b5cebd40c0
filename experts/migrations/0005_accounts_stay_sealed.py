from django.db import migrations

from core.database.fields import sealed_only


class Migration(migrations.Migration):
    dependencies = [("experts", "0004_seal_accounts")]

    operations = [
        migrations.AddConstraint(
            model_name="expert",
            constraint=sealed_only("experts_expert", "account_number", "account_holder_kana"),
        ),
    ]
