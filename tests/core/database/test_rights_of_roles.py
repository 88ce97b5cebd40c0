"""What each role of the database may do, as the database itself says it: nothing more than written down."""

from typing import Any

import pytest
from django.apps import apps
from django.db import connection

from core.database import roles

pytestmark = pytest.mark.django_db

EVERY_RIGHT = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")
# parts of names of columns that hold secrets, accounts or ways to reach a person
KEPT_BACK = ("account_number", "account_holder", "account_type", "bank_code", "branch_code", "password", "secret",
             "token", "cipher", "payer_copy", "phone", "email", "address", "session")  # fmt: skip


def answers(statement: str, *values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall()


def tables() -> list[str]:
    return [name for (name,) in answers("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]


def rights_of(role: str) -> dict[str, set[str]]:
    """Table → rights on the whole table."""
    found = answers(
        "SELECT t.tablename, r FROM pg_tables t, unnest(%s::text[]) r"
        " WHERE t.schemaname = 'public' AND has_table_privilege(%s, format('public.%%I', t.tablename), r)",
        list(EVERY_RIGHT),
        role,
    )
    rights: dict[str, set[str]] = {}
    for table, right in found:
        rights.setdefault(table, set()).add(right)
    return rights


def readable_columns(role: str) -> dict[str, set[str]]:
    """Table → columns the role may select."""
    found = answers(
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'"
        " AND has_column_privilege(%s, format('public.%%I', table_name), column_name::text, 'SELECT')",
        role,
    )
    columns: dict[str, set[str]] = {}
    for table, column in found:
        columns.setdefault(table, set()).add(column)
    return columns


def test_the_application_has_exactly_the_rights_that_are_written_down() -> None:
    granted = rights_of(roles.application_role())
    expected = {name: set(roles.application_rights(name).split(", ")) for name in tables()}
    assert granted == expected


def test_information_schema_says_the_same_of_the_application() -> None:
    found = answers(
        "SELECT DISTINCT privilege_type FROM information_schema.role_table_grants WHERE grantee = current_user"
    )
    assert {right for (right,) in found} == {"SELECT", "INSERT", "UPDATE", "DELETE"}


def test_every_table_on_a_list_exists() -> None:
    listed = {*roles.DELETABLE, *roles.READ_ONLY, *roles.APPEND_ONLY, *roles.READABLE, *roles.SEALER_RIGHTS}
    assert listed - set(tables()) == set()


def test_no_record_of_business_can_be_deleted_but_drafts_and_results_of_a_check() -> None:
    business = {
        model._meta.db_table
        for model in apps.get_models()
        if model._meta.app_label in ("institutions", "experts", "dispatch", "payments", "exchange", "audit")
    }
    granted = rights_of(roles.application_role())
    assert {name for name in business if "DELETE" in granted[name]} == {
        "dispatch_travelline", "dispatch_assessment", "dispatch_finding", "dispatch_draft", "payments_payoutrun",
        "payments_runruleset", "payments_payout", "payments_payoutline", "payments_runhold",
    }  # fmt: skip


def test_the_application_owns_nothing_and_makes_nothing() -> None:
    role = roles.application_role()
    assert answers("SELECT count(*) FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner WHERE rolname = %s", role) == [
        (0,)
    ]  # fmt: skip
    assert answers(
        "SELECT has_schema_privilege(%s, 'public', 'CREATE'), has_database_privilege(%s, current_database(), 'CREATE'),"
        " has_database_privilege(%s, current_database(), 'TEMP')",
        role,
        role,
        role,
    ) == [(False, False, False)]


def test_the_application_executes_none_of_the_privileged_functions() -> None:
    found = answers(
        "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosecdef"
        " AND has_function_privilege(%s, oid, 'EXECUTE')",
        roles.application_role(),
    )
    assert found == []


def test_the_readonly_role_writes_nothing_and_reads_no_whole_table_with_something_kept_back() -> None:
    granted = rights_of(roles.READONLY_ROLE)
    assert {right for rights in granted.values() for right in rights} <= {"SELECT"}
    assert set(granted) <= {name for name, kept in roles.READABLE.items() if not kept}


def test_the_readonly_role_reads_the_columns_that_are_written_down_and_no_others() -> None:
    columns = readable_columns(roles.READONLY_ROLE)
    assert set(columns) == set(roles.READABLE)
    for table, kept in roles.READABLE.items():
        exist = {
            name
            for (name,) in answers(
                "SELECT column_name FROM information_schema.columns WHERE table_schema = 'public' AND table_name = %s",
                table,
            )
        }
        assert set(kept) <= exist, f"{table}: kept back, but there is no such column"
        assert columns[table] == exist - set(kept)


# Where an address of a place or an institution is no person's.
PUBLIC = {
    ("institutions_institution", "address"),
    ("payments_payer", "address"),
    ("banks_branch", "bank_id"),
}


def test_the_readonly_role_reads_no_account_password_or_way_to_reach_a_person() -> None:
    read = {
        (table, column)
        for table, columns in readable_columns(roles.READONLY_ROLE).items()
        for column in columns
        if any(part in column for part in KEPT_BACK)
    }
    assert read - PUBLIC == set()


@pytest.mark.parametrize(
    "table", ["audit_change", "audit_access", "django_session", "notify_mail", "mfa_authenticator"]
)
def test_the_readonly_role_reads_nothing_of_history_sessions_mails_and_second_factors(table: str) -> None:
    assert table in tables()
    assert table not in readable_columns(roles.READONLY_ROLE)


def test_the_sealer_has_what_it_needs_for_the_chain_and_nothing_else() -> None:
    expected = {name: set(rights.split(", ")) for name, rights in roles.SEALER_RIGHTS.items()}
    assert rights_of(roles.SEALER_ROLE) == expected
    assert set(readable_columns(roles.SEALER_ROLE)) == set(roles.SEALER_RIGHTS)


@pytest.mark.parametrize("role", [roles.READONLY_ROLE, roles.SEALER_ROLE])
def test_the_other_roles_have_no_way_around(role: str) -> None:
    assert answers(
        "SELECT rolsuper, rolcreaterole, rolcreatedb, rolbypassrls, rolreplication FROM pg_roles WHERE rolname = %s", role
    ) == [(False,) * 5]  # fmt: skip
    assert answers("SELECT has_database_privilege(%s, current_database(), 'TEMP')", role) == [(False,)]
    assert (
        answers(
            "SELECT m.rolname FROM pg_auth_members a JOIN pg_roles m ON m.oid = a.roleid"
            " JOIN pg_roles r ON r.oid = a.member WHERE r.rolname = %s",
            role,
        )
        == []
    )
