from django.contrib.postgres.indexes import GinIndex, OpClass
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models.functions import Upper


class Migration(migrations.Migration):
    """The office's list is read by the index of its order, and searched by parts of numbers and of clients' names."""

    atomic = False

    # the experts' migration brings the extension for parts of words
    dependencies = [("dispatch", "0013_escalations"), ("experts", "0007_search_text")]

    operations = [
        AddIndexConcurrently(
            "dispatch", models.Index(fields=["-planned_from", "number"], name="dispatch_plan")
        ),
        AddIndexConcurrently(
            "dispatch", GinIndex(OpClass(Upper("number"), name="gin_trgm_ops"), name="dispatch_number_part")
        ),
        AddIndexConcurrently(
            "company", GinIndex(OpClass(Upper("name"), name="gin_trgm_ops"), name="dispatch_company_part")
        ),
    ]
