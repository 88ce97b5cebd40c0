from django.db import migrations

from core.audit.triggers import record_history
from core.database.guards import forbid_truncate

# Numbers for what people begin here: unique, with gaps where an act was rolled back.
NUMBERS = """
CREATE SEQUENCE dispatch_number_seq;
CREATE SEQUENCE dispatch_case_code_seq;
CREATE SEQUENCE dispatch_company_code_seq;
"""
NUMBERS_UNDO = """
DROP SEQUENCE dispatch_company_code_seq; DROP SEQUENCE dispatch_case_code_seq; DROP SEQUENCE dispatch_number_seq;
"""

# A name without legal form, blanks and marks, so that two spellings of one firm meet.
NAME_KEY = """
CREATE FUNCTION dispatch_name_key(name text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog AS $$
    SELECT upper(regexp_replace(normalize(name, NFKC),
        '株式会社|有限会社|合同会社|合資会社|合名会社|\\(株\\)|\\(有\\)|\\(同\\)|[[:space:]・.,''’\\-‐―]', '', 'g'))
$$;
CREATE INDEX dispatch_company_name_key ON dispatch_company (dispatch_name_key(name), prefecture_code);
CREATE INDEX dispatch_company_corporate_number ON dispatch_company (corporate_number) WHERE corporate_number <> '';
CREATE INDEX dispatch_company_phone ON dispatch_company ((regexp_replace(phone, '[^0-9]', '', 'g')))
    WHERE phone <> '';
"""
NAME_KEY_UNDO = """
DROP INDEX dispatch_company_phone; DROP INDEX dispatch_company_corporate_number; DROP INDEX dispatch_company_name_key;
DROP FUNCTION dispatch_name_key(text);
"""

TABLES = (
    "dispatch_case", "dispatch_consultationnote", "dispatch_dispatchapplication", "dispatch_approvalrequest",
    "dispatch_attestation", "dispatch_inquiry", "dispatch_correction", "dispatch_waiver", "dispatch_reminder",
)  # fmt: skip


def copy_transitions(apps, schema_editor):
    """The steps of dispatch/transitions.py, as rows the trigger can see."""
    from dispatch.transitions import TRANSITIONS

    with schema_editor.connection.cursor() as cursor:
        cursor.execute("DELETE FROM dispatch_transition")
        cursor.executemany(
            "INSERT INTO dispatch_transition (source, action, target) VALUES (%s, %s, %s)",
            [(str(step.source), step.action, str(step.target)) for step in TRANSITIONS],
        )


class Migration(migrations.Migration):
    dependencies = [("dispatch", "0003_cases_and_work"), ("audit", "0002_triggers")]

    operations = [
        migrations.RunSQL(NUMBERS, NUMBERS_UNDO),
        migrations.RunSQL(NAME_KEY, NAME_KEY_UNDO),
        migrations.RunPython(copy_transitions, migrations.RunPython.noop),
        record_history(*TABLES),
        # a link's hash opens nothing, but history needn't carry it
        record_history("dispatch_attestationlink", without=("token_hash",)),
        forbid_truncate(*TABLES, "dispatch_attestationlink"),
    ]
