from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.operations import TrigramExtension
from django.db import migrations, models

from core.audit.triggers import record_history
from core.japan.folding import fold_function

# The parts are told apart by signs that nobody types: what begins with the first is a name, with the second a kana.
SEARCH_TEXT = """
CREATE OR REPLACE FUNCTION experts_search_text(
    name text, kana text, code text, qualifications text[], topics text[]
) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $f$
    SELECT chr(1) || public.japan_fold(name) || chr(2) || public.japan_fold(kana) || chr(3)
        || public.japan_fold(
            code || chr(3) || array_to_string(qualifications, chr(3)) || chr(3) || array_to_string(topics, chr(3))
        ) $f$
"""
# Great-circle distance in kilometres; null where a position isn't known.
KM = """
CREATE OR REPLACE FUNCTION experts_km(
    latitude numeric, longitude numeric, from_latitude float8, from_longitude float8
) RETURNS float8 LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $f$
    SELECT CASE WHEN latitude IS NOT NULL AND longitude IS NOT NULL THEN 12742 * asin(sqrt(least(1,
        power(sin(radians((latitude::float8 - from_latitude) / 2)), 2)
        + cos(radians(latitude::float8)) * cos(radians(from_latitude))
        * power(sin(radians((longitude::float8 - from_longitude) / 2)), 2)))) END $f$
"""
# The column is made of others of the same row: in the history it would only repeat them.
OLD_HISTORY = "".join(
    f"DROP TRIGGER {name} ON experts_expert;" for name in ("audit_insert", "audit_update", "audit_delete")
)


class Migration(migrations.Migration):
    """The register has some thousand rows: rewriting it for the column takes about a second."""

    dependencies = [("experts", "0006_wider_bank_codes")]

    operations = [
        TrigramExtension(),
        migrations.RunSQL(
            [fold_function("japan_fold"), SEARCH_TEXT, KM],
            "DROP FUNCTION IF EXISTS experts_km(numeric, numeric, float8, float8);"
            " DROP FUNCTION experts_search_text(text, text, text, text[], text[]);"
            " DROP FUNCTION japan_fold(text)",
        ),
        migrations.AddField(
            "expert",
            "search_text",
            models.GeneratedField(
                db_persist=True,
                expression=models.Func(
                    "name", "kana", "code", "qualifications", "topics", function="experts_search_text"
                ),
                output_field=models.TextField(),
                verbose_name="検索用",
            ),
        ),
        migrations.AddIndex(
            "expert", GinIndex(fields=["search_text"], name="experts_search_text", opclasses=["gin_trgm_ops"])
        ),
        migrations.RunSQL(OLD_HISTORY, record_history("experts_expert").sql),
        record_history("experts_expert", without=("search_text",)),
    ]
