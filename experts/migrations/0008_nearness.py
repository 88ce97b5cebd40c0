import django.db.models.expressions
import django.db.models.functions.comparison
import django.db.models.functions.math
from django.db import migrations, models

from core.audit.triggers import record_history

# Made of other columns of the same row, they would only repeat them in the history.
OLD_HISTORY = "".join(
    f"DROP TRIGGER {name} ON experts_expert;" for name in ("audit_insert", "audit_update", "audit_delete")
)


class Migration(migrations.Migration):
    dependencies = [
        ("experts", "0007_search_text"),
    ]

    operations = [
        migrations.AddField(
            model_name="expert",
            name="base_x",
            field=models.GeneratedField(
                db_persist=True,
                expression=django.db.models.expressions.CombinedExpression(
                    django.db.models.functions.math.Cos(
                        django.db.models.functions.math.Radians(
                            django.db.models.functions.comparison.Cast("base_latitude", models.FloatField())
                        )
                    ),
                    "*",
                    django.db.models.functions.math.Cos(
                        django.db.models.functions.math.Radians(
                            django.db.models.functions.comparison.Cast("base_longitude", models.FloatField())
                        )
                    ),
                ),
                output_field=models.FloatField(null=True),
                verbose_name="活動拠点x",
            ),
        ),
        migrations.AddField(
            model_name="expert",
            name="base_y",
            field=models.GeneratedField(
                db_persist=True,
                expression=django.db.models.expressions.CombinedExpression(
                    django.db.models.functions.math.Cos(
                        django.db.models.functions.math.Radians(
                            django.db.models.functions.comparison.Cast("base_latitude", models.FloatField())
                        )
                    ),
                    "*",
                    django.db.models.functions.math.Sin(
                        django.db.models.functions.math.Radians(
                            django.db.models.functions.comparison.Cast("base_longitude", models.FloatField())
                        )
                    ),
                ),
                output_field=models.FloatField(null=True),
                verbose_name="活動拠点y",
            ),
        ),
        migrations.AddField(
            model_name="expert",
            name="base_z",
            field=models.GeneratedField(
                db_persist=True,
                expression=django.db.models.functions.math.Sin(
                    django.db.models.functions.math.Radians(
                        django.db.models.functions.comparison.Cast("base_latitude", models.FloatField())
                    )
                ),
                output_field=models.FloatField(null=True),
                verbose_name="活動拠点z",
            ),
        ),
        migrations.RunSQL(OLD_HISTORY, record_history("experts_expert", without=("search_text",)).sql),
        record_history("experts_expert", without=("search_text", "base_x", "base_y", "base_z")),
        # distances are products of the columns above
        migrations.RunSQL(
            "DROP FUNCTION IF EXISTS experts_km(numeric, numeric, float8, float8)", migrations.RunSQL.noop
        ),
    ]
