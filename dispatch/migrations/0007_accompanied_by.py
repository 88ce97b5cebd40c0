from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("dispatch", "0006_declaration_measures")]

    operations = [
        migrations.AddField(
            model_name="dispatch",
            name="accompanied_by",
            field=models.CharField("同行者", max_length=200, blank=True, default="", db_default=""),
        ),
    ]
