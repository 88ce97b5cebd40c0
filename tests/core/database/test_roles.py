"""The application's role can do its work and nothing else."""

import pytest
from django.db import connection, transaction
from django.db.utils import ProgrammingError


@pytest.mark.django_db
@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE intruder (a int)",
        "CREATE TEMP TABLE intruder (a int)",
        "ALTER TABLE dispatch_dispatch DISABLE TRIGGER ALL",
        "DROP TRIGGER guard_run ON payments_payoutrun",
        "TRUNCATE dispatch_dispatch",
        "DELETE FROM dispatch_dispatch",
        "DELETE FROM experts_expert",
        "DELETE FROM payments_runfile",
        "INSERT INTO audit_change (at) VALUES (now())",
        "UPDATE audit_change SET actor_name = ''",
        "DELETE FROM audit_change",
        "INSERT INTO dispatch_statuschange (dispatch_id) VALUES (1)",
        "UPDATE dispatch_transition SET target = 'paid'",
        "SET session_replication_role = replica",
        "CREATE TRIGGER forged AFTER INSERT ON dispatch_finding REFERENCING NEW TABLE AS new_rows"
        " FOR EACH STATEMENT EXECUTE FUNCTION audit_record()",
    ],
)
def test_the_application_role_is_refused(statement: str) -> None:
    with pytest.raises(ProgrammingError, match="permission denied|must be owner"), transaction.atomic():
        connection.cursor().execute(statement)


@pytest.mark.django_db
def test_the_application_is_not_the_owner() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_user, (SELECT tableowner FROM pg_tables WHERE tablename = 'audit_change')"
        )
        application, owner = cursor.fetchone()
    assert application == "dispatch_app"
    assert owner != application


@pytest.mark.django_db
def test_every_table_a_role_may_delete_from_is_on_the_list() -> None:
    from core.database import roles

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name FROM information_schema.role_table_grants"
            " WHERE grantee = current_user AND privilege_type = 'DELETE'"
        )
        granted = {name for (name,) in cursor.fetchall()}
    assert {name for name in granted if not name.startswith(roles.DELETABLE_PREFIX)} == set(roles.DELETABLE)
