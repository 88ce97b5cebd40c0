from django.db import migrations

import core.database.fields


class Migration(migrations.Migration):
    """Bank data become encrypted: the columns, then their rows (0004), then the constraint that keeps it so (0005)."""

    dependencies = [("experts", "0002_history")]

    operations = [
        migrations.RemoveConstraint(model_name="expert", name="experts_account_number_digits"),
        migrations.AlterField(
            model_name="expert",
            name="account_number",
            field=core.database.fields.EncryptedTextField(db_collation="C", verbose_name="口座番号"),
        ),
        migrations.AlterField(
            model_name="expert",
            name="account_holder_kana",
            field=core.database.fields.EncryptedTextField(db_collation="C", verbose_name="口座名義カナ"),
        ),
    ]
