"""Who may do what in the database (design.md §6).

The owner migrates. The application reads and writes, but may neither change the structure, make temporary
tables, truncate, nor delete: deletion is granted on a short list only. History is written by triggers, the
application can only read it. `grant_rights` says all of it again after every migration.
"""

from typing import Any

from django.conf import settings
from django.db import connections
from psycopg import sql

from core.errors import DomainError

from .addresses import SEALER_ROLE

READONLY_ROLE = "dispatch_readonly"

# Rows that are not business records: sessions, links between tables, loading areas, drafts of a run
# (from approval on, triggers refuse), and what the next check computes anew.
DELETABLE = (
    "django_session",
    "accounts_user_groups",
    "accounts_user_user_permissions",
    # sign-in: counted failures, second factors taken off, sessions that ended
    "axes_accessattempt",
    "axes_accessattemptexpiration",
    "mfa_authenticator",
    "usersessions_usersession",
    "auth_group_permissions",
    "banks_bank",
    "banks_branch",
    "dispatch_travelline",
    "dispatch_assessment",
    "dispatch_finding",
    # forms not sent yet
    "dispatch_draft",
    "payments_payoutrun",
    "payments_runruleset",
    "payments_payout",
    "payments_payoutline",
    "payments_runhold",
)
# Tables whose name starts so are loading areas of the exchange.
DELETABLE_PREFIX = "staging_"
# Written by triggers alone.
READ_ONLY = (
    "audit_change", "audit_seal", "audit_archive", "dispatch_statuschange", "dispatch_transition",
    "django_migrations",
)  # fmt: skip
# Evidence and records: added, never changed.
APPEND_ONLY = (
    "accounts_passwordrecord",
    "accounts_signinevent",
    "agreements_agreement",
    "agreements_textversion",
    "appointment_acceptance",
    "appointment_letter",
    "audit_access",
    "dispatch_checkevent",
    "dispatch_checkeventextra",
    "dispatch_consultationnote",
    "dispatch_attestation",
    "dispatch_correction",
    "dispatch_reminder",
    "dispatch_endedfinding",
    "dispatch_findingreview",
    "dispatch_signaldecision",
    "experts_merge",
    "institutions_handedover",
    "institutions_operatoranswer",
    "institutions_operatorreturn",
    "notify_mailattempt",
    "payments_rundownload",
    "registration_submission",
)
# Of those, columns with sealed values: the cipher may be renewed under another key, what it says may not (guard_cipher_only).
RESEALED = {"institutions_operatoranswer": "content", "registration_submission": "content"}
# The sealer reads history and chains it; it writes no history and changes nothing.
SEALER_RIGHTS = {
    "audit_change": "SELECT",
    "audit_access": "SELECT",
    "audit_seal": "SELECT, INSERT",
    "audit_archive": "SELECT, INSERT",
}
# What reports and inquiries by other tools may read, and the columns kept from them: no account numbers, no passwords,
# no addresses of persons to write or call, no texts and arguments of the machinery. No history, sessions, second
# factors, mails or loading areas at all. What isn't named here can't be read.
READABLE: dict[str, tuple[str, ...]] = {
    "accounts_user": (
        "password", "email", "is_superuser", "is_staff", "last_login", "password_set_at", "session_generation",
        "allowed_weekdays", "allowed_from", "allowed_until", "allowed_networks",
    ),
    "banks_bank": (),
    "banks_branch": (),
    "banks_master": (),
    "dispatch_assessment": (),
    "dispatch_checkevent": ("signer_name",),
    "dispatch_company": ("address", "phone", "email"),
    "dispatch_declaration": (),
    "dispatch_dispatch": (),
    "dispatch_finding": (),
    "dispatch_statuschange": (),
    "dispatch_transition": (),
    "dispatch_travelline": (),
    "exchange_load": ("errors",),
    "experts_expert": (
        "address", "phone", "email", "base_latitude", "base_longitude", "base_x", "base_y", "base_z", "bank_code",
        "branch_code", "account_type", "account_number", "account_holder_kana",
    ),
    "institutions_institution": ("phone", "email"),
    "jobs_job": ("arguments", "result", "error", "message"),
    "payments_payer": ("phone", "bank_code", "branch_code", "account_type", "account_number"),
    "payments_payout": (
        "address", "bank_code", "branch_code", "bank_kana", "branch_kana", "bank_name", "branch_name",
        "account_type", "account_number", "account_holder_kana",
    ),
    "payments_payoutline": (),
    "payments_payoutrun": ("payer_copy",),
    "payments_rundownload": (),
    "payments_runfile": (),
    "payments_runhold": (),
    "payments_runruleset": (),
    "programme_codeitem": (),
    "programme_ruleset": (),
}  # fmt: skip


def take_application_role(sender: Any, connection: Any, **kwargs: Any) -> None:
    """With one address for everything, the application's connections step down to the application's role.

    Where that role can't exist (a login that may not create roles) the login is used as it is; `setup` says so.
    """
    role = connection.settings_dict.get("ASSUME_ROLE")
    if not role or connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('role', rolname, false) FROM pg_roles"
            " WHERE rolname = %s AND pg_has_role(session_user, oid, 'MEMBER')",
            [role],
        )


def application_role() -> str:
    """The name of the role the application's statements run as."""
    settings_dict = connections["default"].settings_dict
    return settings_dict.get("ASSUME_ROLE") or settings_dict["USER"]


def create_roles() -> bool:
    """Creates the roles that are missing; answers whether the application has one apart from the owner's."""
    owner = connections["owner"]
    role = application_role()
    with owner.cursor() as cursor:
        cursor.execute("SELECT rolcreaterole OR rolsuper FROM pg_roles WHERE rolname = session_user")
        may_create = bool(cursor.fetchone()[0])
        for name in (role, SEALER_ROLE, READONLY_ROLE):
            cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name])
            if cursor.fetchone() is None and may_create:
                cursor.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(name)).as_string())
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role])
        exists = cursor.fetchone() is not None
        if exists and settings.DATABASES["default"].get("ASSUME_ROLE") and may_create:
            for name in (role, SEALER_ROLE):
                cursor.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(sql.Identifier(name)).as_string())
        return exists and role != owner.settings_dict["USER"]


def application_rights(table: str) -> str:
    """What the application's role may do with a table, as GRANT says it."""
    if table in READ_ONLY:
        return "SELECT"
    if table in APPEND_ONLY:
        return "SELECT, INSERT"
    if table in DELETABLE or table.startswith(DELETABLE_PREFIX):
        return "SELECT, INSERT, UPDATE, DELETE"
    return "SELECT, INSERT, UPDATE"


def grant_rights() -> None:
    """Grants each role what it needs on every table of the database, and nothing else. Repeatable."""
    owner = connections["owner"]
    app = sql.Identifier(application_role())
    with owner.cursor() as cursor:
        cursor.execute("SELECT current_database()")
        database = sql.Identifier(cursor.fetchone()[0])
        cursor.execute("SELECT rolname FROM pg_roles WHERE rolname = ANY(%s)", [[READONLY_ROLE, SEALER_ROLE]])
        others = [sql.Identifier(name) for (name,) in cursor.fetchall()]
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
        tables = [name for (name,) in cursor.fetchall()]
        statements = [
            sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(database),
            sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(database, app),
            sql.SQL("REVOKE ALL ON SCHEMA public FROM PUBLIC"),
            sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(app),
            sql.SQL("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {}").format(app),
            sql.SQL("GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {}").format(app),
        ]
        for name in tables:
            statements.append(
                sql.SQL("GRANT " + application_rights(name) + " ON {} TO {}").format(
                    sql.Identifier(name), app
                )
            )
        for name, column in RESEALED.items():
            if name in tables:
                statements.append(
                    sql.SQL("GRANT UPDATE ({}) ON {} TO {}").format(
                        sql.Identifier(column), sql.Identifier(name), app
                    )
                )
        for other in others:
            statements.append(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(database, other))
            statements.append(sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(other))
            statements.append(sql.SQL("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {}").format(other))
            statements.append(sql.SQL("REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM {}").format(other))
        if sql.Identifier(READONLY_ROLE) in others:
            cursor.execute(
                "SELECT table_name, array_agg(column_name::text) FROM information_schema.columns"
                " WHERE table_schema = 'public' AND table_name = ANY(%s) GROUP BY 1 ORDER BY 1",
                [list(READABLE)],
            )
            for name, columns in cursor.fetchall():
                readable = [sql.Identifier(column) for column in sorted(set(columns) - set(READABLE[name]))]
                statements.append(
                    sql.SQL("GRANT SELECT ({}) ON {} TO {}").format(
                        sql.SQL(", ").join(readable), sql.Identifier(name), sql.Identifier(READONLY_ROLE)
                    )
                )
        if sql.Identifier(SEALER_ROLE) in others:
            sealer = sql.Identifier(SEALER_ROLE)
            for name, rights in SEALER_RIGHTS.items():
                if name in tables:
                    statements.append(
                        sql.SQL("GRANT " + rights + " ON {} TO {}").format(sql.Identifier(name), sealer)
                    )
            if "audit_seal" in tables:
                statements.append(
                    sql.SQL("GRANT EXECUTE ON FUNCTION audit_purge(bigint) TO {}").format(sealer)
                )
        for statement in statements:
            cursor.execute(statement.as_string())


def require_owner() -> None:
    """Refuses when this process was not given the owner's address."""
    if "owner" not in settings.DATABASES:
        raise DomainError("DATABASE_OWNER_URL が設定されていないため、データベースの構造を変更できません。")
