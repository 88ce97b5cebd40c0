"""Attacks on the history with the application's own login (security.md R-024, part 4.5, T-2, T-3)."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from django.db import DatabaseError, connection, connections, transaction

from core.audit import protection
from core.audit.acting import SYSTEM, acting, client_address, request_id
from core.audit.models import Access, Change
from core.audit.sealing import seal_audit
from core.audit.services import record_page, record_view
from core.audit.verifying import verify_audit
from core.errors import DomainError
from core.programme.models import CodeItem

CHANGE = (
    'INSERT INTO audit_change (at, transaction, "table", row_id, operation, actor_name, action, reason, request_id,'
    " address, database_role) VALUES (now(), 1, 'x', 1, 'I', '', '', '', '', '', '')"
)
SEAL = (
    "INSERT INTO audit_seal (number, form, source, after_transaction, after_id, upto_transaction, upto_id, count,"
    " entries, content, previous, hash, sealed_at) VALUES (1000, 1, 'C', 0, 0, 1, 1, 0, '', '', 'a', 'b', now())"
)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_change SET actor_name = '別の人'",
        "DELETE FROM audit_change",
        "TRUNCATE audit_change",
        "TRUNCATE audit_change CASCADE",
        CHANGE,
        "COPY audit_change (reason) FROM PROGRAM 'true'",
        "ALTER TABLE audit_change DISABLE TRIGGER audit_append_only",
        "ALTER TABLE programme_codeitem DISABLE TRIGGER audit_update",
        "ALTER TABLE programme_codeitem DISABLE TRIGGER ALL",
        "DROP TRIGGER audit_update ON programme_codeitem",
        "DROP TABLE audit_change",
        "SET session_replication_role = replica",
        "CREATE TEMP TABLE forged (id bigint)",
        "CREATE TABLE forged (id bigint)",
        "CREATE TRIGGER forged AFTER INSERT ON jobs_job REFERENCING NEW TABLE AS new_rows"
        " FOR EACH STATEMENT EXECUTE FUNCTION audit_record()",
        "CREATE TRIGGER forged AFTER INSERT ON audit_access REFERENCING NEW TABLE AS new_rows"
        " FOR EACH STATEMENT EXECUTE FUNCTION audit_record()",
        "SELECT audit_record()",
        "SELECT audit_purge(1)",
        "CREATE OR REPLACE FUNCTION audit_record() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
        "ALTER FUNCTION audit_record() SECURITY INVOKER",
        "CREATE RULE quiet AS ON INSERT TO audit_change DO INSTEAD NOTHING",
        "CREATE SCHEMA forged",
        "SET ROLE dispatch_owner",
        "SET ROLE dispatch_sealer",
        "SET SESSION AUTHORIZATION dispatch_owner",
        "SELECT setval('audit_change_id_seq', 1)",
        "ALTER SEQUENCE audit_change_id_seq RESTART",
        SEAL,
        "UPDATE audit_seal SET hash = ''",
        "DELETE FROM audit_seal",
        "TRUNCATE audit_seal",
        "INSERT INTO audit_archive (month) VALUES ('2026-11')",
        "UPDATE audit_archive SET sha256 = ''",
        "DELETE FROM audit_archive",
        "UPDATE audit_access SET reason = 'x'",
        "DELETE FROM audit_access",
        "TRUNCATE audit_access",
    ],
)
def test_the_application_is_refused(statement: str) -> None:
    with (
        pytest.raises(
            DatabaseError, match="permission denied|must be owner|must be superuser|must be able to|no schema"
        ),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "change",
    [
        lambda: CodeItem.objects.update(position=41),
        lambda: CodeItem.objects.bulk_update(_moved(41), ["position"]),
        lambda: _sql("UPDATE programme_codeitem SET position = 41"),
        lambda: _sql(
            "WITH quiet AS (UPDATE programme_codeitem SET position = 41 RETURNING id) SELECT count(*) FROM quiet"
        ),
        lambda: _sql(
            "INSERT INTO programme_codeitem SELECT * FROM programme_codeitem"
            " ON CONFLICT (id) DO UPDATE SET position = 41"
        ),
        lambda: _sql(
            "MERGE INTO programme_codeitem a USING programme_codeitem b ON a.id = b.id"
            " WHEN MATCHED THEN UPDATE SET position = 41"
        ),
        lambda: _sql("DO $$ BEGIN UPDATE programme_codeitem SET position = 41; END $$"),
        lambda: _sql(
            "SET LOCAL app.action = ''; SET LOCAL pgtrigger.ignore = '{audit_update}';"
            " SET LOCAL search_path = pg_temp, public; UPDATE public.programme_codeitem SET position = 41"
        ),
    ],
)
def test_every_way_to_change_a_row_leaves_history(change: Callable[[], object]) -> None:
    before = Change.objects.count()
    change()
    recorded = Change.objects.order_by("id")[before:]
    assert len(recorded) == CodeItem.objects.count()
    assert {(row.operation, row.new["position"], row.database_role) for row in recorded} == {
        ("U", 41, connection.settings_dict["USER"])
    }


def _moved(position: int) -> list[CodeItem]:
    items = list(CodeItem.objects.all())
    for item in items:
        item.position = position
    return items


def _sql(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.django_db
def test_rows_that_come_by_copy_leave_history() -> None:
    before = Change.objects.count()
    with connection.cursor() as cursor:
        columns = [field.column for field in CodeItem._meta.fields if not field.primary_key]
        names = ", ".join(f'"{name}"' for name in columns)
        cursor.execute(f"SELECT {names} FROM programme_codeitem ORDER BY id LIMIT 1")
        values = list(cursor.fetchone())
        values[columns.index("name")] = "写した項目"
        with cursor.copy(f"COPY programme_codeitem ({names}) FROM STDIN") as stream:
            stream.write_row(values)
    assert Change.objects.count() == before + 1


@pytest.mark.django_db
def test_the_session_can_lie_about_the_person_but_not_about_login_time_and_transaction() -> None:
    _sql(
        "SET LOCAL app.actor_name = '別の人'; SET LOCAL app.actor_id = '999999';"
        " UPDATE programme_codeitem SET position = 42 WHERE name = '創業'"
    )
    change = Change.objects.latest("id")
    # as trustworthy as the application: docs/threat-model.md says so
    assert (change.actor_id, change.actor_name) == (999999, "別の人")
    with connection.cursor() as cursor:
        cursor.execute("SELECT session_user, pg_current_xact_id()::text::bigint, clock_timestamp() - now()")
        login, number, _ = cursor.fetchone()
    assert (change.database_role, change.transaction) == (login, number)


@pytest.mark.django_db
def test_a_person_who_is_no_number_stops_the_write_instead_of_going_unnamed() -> None:
    before = Change.objects.count()
    with pytest.raises(DatabaseError), transaction.atomic():
        _sql("SET LOCAL app.actor_id = 'x'; UPDATE programme_codeitem SET position = 43")
    assert Change.objects.count() == before


@pytest.mark.django_db
def test_the_request_and_the_address_are_in_the_row() -> None:
    tokens = request_id.set("0123456789abcdef"), client_address.set("192.0.2.7")
    try:
        with acting(SYSTEM, "rename"):
            CodeItem.objects.filter(name="創業").update(position=44)
    finally:
        request_id.reset(tokens[0])
        client_address.reset(tokens[1])
    change = Change.objects.latest("id")
    assert (change.request_id, change.address) == ("0123456789abcdef", "192.0.2.7")


def test_a_request_names_its_address_and_a_forged_header_does_not(
    client: Any, fresh_database: object
) -> None:
    from accounts.models import Role
    from accounts.services import create_user

    create_user(username="tanaka", role=Role.OFFICE_ADMIN, actor=SYSTEM, password="Ein-langes-Wort-2026")
    seen = Change.objects.latest("id").pk
    answer = client.post(
        "/sign-in/",
        {"login": "tanaka", "username": "tanaka", "password": "Ein-langes-Wort-2026"},
        REMOTE_ADDR="203.0.113.9",
        headers={"x-forwarded-for": "198.51.100.1", "x-request-id": "forged"},
    )
    assert answer.headers["X-Request-ID"] != "forged"
    rows = Change.objects.filter(pk__gt=seen, table="accounts_user").exclude(address="")
    assert {row.address for row in rows} == {"203.0.113.9"}


def test_with_the_history_unwritable_a_business_write_fails_whole(fresh_database: object) -> None:
    item = CodeItem.objects.get(name="創業")
    with connections["owner"].cursor() as cursor:
        cursor.execute("ALTER TABLE audit_change ADD CONSTRAINT full_disk CHECK (id < 0) NOT VALID")
    connections["owner"].close()
    with pytest.raises(DatabaseError, match="full_disk"), acting(SYSTEM, "rename"):
        CodeItem.objects.filter(pk=item.pk).update(position=77)
    item.refresh_from_db()
    assert item.position != 77


def test_what_cannot_be_recorded_is_not_shown(fresh_database: object) -> None:
    with connections["owner"].cursor() as cursor:
        cursor.execute("ALTER TABLE audit_access ADD CONSTRAINT full_disk CHECK (id < 0) NOT VALID")
    connections["owner"].close()
    with pytest.raises(DatabaseError, match="full_disk"):
        record_page(actor=SYSTEM, rows=CodeItem.objects.all())


@pytest.mark.django_db
def test_a_look_is_recorded_with_rows_reason_and_what_the_database_knows_itself() -> None:
    item = CodeItem.objects.get(name="創業")
    record_view(
        actor=SYSTEM, what=Access.What.BANK, object=item, reason="振込先の確認", fields=["account_number"]
    )
    row = Access.objects.get()
    assert (row.table, row.row_ids, row.reason, row.fields, row.row_count) == (
        "programme_codeitem", [item.pk], "振込先の確認", ["account_number"], 1,
    )  # fmt: skip
    assert row.database_role == connection.settings_dict["USER"]
    assert record_page(actor=SYSTEM, rows=[]) is None
    for what in (Access.What.BANK, Access.What.EXPORT):
        with pytest.raises(DomainError, match="理由"):
            record_view(actor=SYSTEM, what=what, object=item, reason=" ")


def test_a_forged_look_cannot_be_slipped_below_what_is_sealed(fresh_database: object) -> None:
    record_page(actor=SYSTEM, rows=CodeItem.objects.all())
    seal_audit()
    _sql(
        'INSERT INTO audit_access (id, at, transaction, actor_name, what, "table", row_ids, label, reason, fields,'
        " row_count, request_id, address, database_role)"
        " VALUES (1, '2020-01-01', 1, '', 'view', 'x', '{}', '', '', '{}', 0, '', '', 'nobody')"
    )
    forged = Access.objects.latest("transaction")
    assert (forged.at.year > 2020, forged.transaction > 1, forged.database_role != "nobody", forged.pk != 1) == (
        True, True, True, True,
    )  # fmt: skip
    seal_audit()
    assert verify_audit().problem == ""


def test_the_guards_are_found_standing_and_each_fallen_one_is_named(fresh_database: object) -> None:
    seal_audit()  # what the installation itself wrote may be older than a seal should be
    assert protection.problems() == []
    assert {"programme_codeitem", "dispatch_dispatch", "accounts_user"} <= set(protection.recorded_tables())
    for statement, undo, words in (
        (
            "ALTER TABLE programme_codeitem DISABLE TRIGGER audit_update",
            "ALTER TABLE programme_codeitem ENABLE TRIGGER audit_update",
            "programme_codeitem の履歴トリガー",
        ),
        (
            "ALTER TABLE audit_change DISABLE TRIGGER audit_append_only",
            "ALTER TABLE audit_change ENABLE TRIGGER audit_append_only",
            "書き換え防止",
        ),
        (
            "GRANT EXECUTE ON FUNCTION audit_record() TO PUBLIC",
            "REVOKE EXECUTE ON FUNCTION audit_record() FROM PUBLIC",
            "実行できます",
        ),
        (
            f"GRANT UPDATE ON audit_change TO {connection.settings_dict['USER']}",
            f"REVOKE UPDATE ON audit_change FROM {connection.settings_dict['USER']}",
            "書き換えられます",
        ),
    ):
        with connections["owner"].cursor() as cursor:
            cursor.execute(statement)
        found = protection.problems()
        assert len(found) == 1
        assert words in found[0]
        with connections["owner"].cursor() as cursor:
            cursor.execute(undo)
    connections["owner"].close()
    assert protection.problems() == []


def test_without_the_right_to_temporary_tables_the_trigger_function_cannot_be_hung_on_one(
    fresh_database: object,
) -> None:
    given = connection.settings_dict
    with (
        psycopg.connect(
            dbname=given["NAME"],
            user=given["USER"],
            password=given["PASSWORD"],
            host=given["HOST"],
            port=given["PORT"] or None,
        ) as attacker,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        attacker.execute("CREATE TEMP TABLE programme_codeitem (id bigint)")


def test_the_names_of_a_request_end_with_it(client: Any, fresh_database: object) -> None:
    client.post("/sign-in/", {"login": "niemand", "password": "x"}, REMOTE_ADDR="203.0.113.9")
    CodeItem.objects.filter(name="創業").update(position=45)
    change = Change.objects.latest("id")
    assert (change.actor_name, change.address, change.request_id) == ("", "", "")
