from django.db import migrations, models


class Migration(migrations.Migration):
    """What institution and expert read of an exclusion, apart from the office's own note."""

    dependencies = [("dispatch", "0016_undecided_claims")]

    operations = [
        migrations.AddField(
            model_name="dispatch",
            name="decision_told",
            field=models.TextField("機関と専門家へ伝える理由", blank=True, default="", db_default=""),
        ),
    ]
