from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """A page of the dispatches that can be verified is read by the index of its order, not sorted out of all of them."""

    atomic = False

    dependencies = [("dispatch", "0014_list_and_search")]

    operations = [
        AddIndexConcurrently(
            "dispatch",
            models.Index(
                fields=["approved_at", "number"],
                name="dispatch_to_verify",
                condition=models.Q(status="approved"),
            ),
        ),
    ]
