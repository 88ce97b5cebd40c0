from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # without holding up those who work meanwhile
    atomic = False

    dependencies = [("dispatch", "0007_accompanied_by")]

    operations = [
        AddIndexConcurrently(
            model_name="dispatch",
            index=models.Index(
                fields=["institution", "-planned_from", "number"], name="dispatch_institution_plan"
            ),
        ),
    ]
