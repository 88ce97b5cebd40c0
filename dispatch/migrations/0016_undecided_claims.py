from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """The queue of the travel check finds unusual claims by index, not by looking at every line there ever was."""

    atomic = False

    dependencies = [("dispatch", "0015_to_verify")]

    operations = [
        AddIndexConcurrently(
            "travelline",
            models.Index(
                fields=["claimed", "dispatch"],
                name="dispatch_travel_undecided",
                condition=models.Q(accepted_km=None, accepted_yen=None),
            ),
        ),
    ]
