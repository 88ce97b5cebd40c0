from django.db import migrations

TABLES = 12
COLUMNS = 40


def _create() -> str:
    columns = ", ".join(f'c{n} text COLLATE "C"' for n in range(1, COLUMNS + 1))
    # Rows live only within the transaction that loads them, so no other load ever sees them, and a crash may
    # lose them: no write-ahead log.
    return "".join(
        f"CREATE UNLOGGED TABLE staging_{n} (line integer NOT NULL, bad text, {columns})"
        " WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);"
        for n in range(1, TABLES + 1)
    )


def _drop() -> str:
    return "".join(f"DROP TABLE staging_{n};" for n in range(1, TABLES + 1))


class Migration(migrations.Migration):
    dependencies = [("exchange", "0001_initial")]

    operations = [migrations.RunSQL(_create(), _drop())]
