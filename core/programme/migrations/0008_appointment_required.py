from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("programme", "0007_plan_reasons"),
    ]

    operations = [
        migrations.AddField(
            model_name="dispatchterms",
            name="appointment_required",
            field=models.BooleanField(default=False, verbose_name="申請に就任承諾を要するか"),
        ),
    ]
