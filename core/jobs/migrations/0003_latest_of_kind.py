from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """The latest job of a kind is found by index; jobs are only added, a few each minute."""

    atomic = False

    dependencies = [("jobs", "0002_cancelling")]

    operations = [
        AddIndexConcurrently("job", models.Index(fields=["kind", "-id"], name="jobs_job_kind")),
    ]
