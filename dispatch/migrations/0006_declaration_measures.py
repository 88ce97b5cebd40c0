from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("dispatch", "0005_status_since")]

    operations = [
        migrations.AddField(
            model_name="declaration",
            name="measures",
            field=models.TextField("再発防止策", blank=True, default="", db_default=""),
        ),
    ]
