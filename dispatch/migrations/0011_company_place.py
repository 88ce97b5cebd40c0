"""Where a client is, for the distance to experts. Nullable columns: no row is rewritten."""

from django.db import migrations

import core.database.fields


class Migration(migrations.Migration):
    dependencies = [("dispatch", "0010_signal_guards")]

    operations = [
        migrations.AddField(
            model_name="company",
            name=name,
            field=core.database.fields.PlainDecimalField(
                blank=True, decimal_places=12, max_digits=24, null=True, verbose_name=label
            ),
        )
        for name, label in (("latitude", "緯度"), ("longitude", "経度"))
    ]
