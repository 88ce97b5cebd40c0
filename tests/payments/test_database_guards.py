"""What the database refuses to the application's own role, whatever the code above it does."""

from typing import Any

import pytest
from closing import approved_july, checker, computed_july, load
from django.db import DatabaseError, connection, transaction

from payments.models import PayoutRun

pytestmark = pytest.mark.django_db


def sql(statement: str, *parameters: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


def refuses(statement: str, *parameters: Any, because: str = "") -> None:
    with pytest.raises(DatabaseError) as refusal, transaction.atomic():
        sql(statement, *parameters)
    assert because in str(refusal.value)


@pytest.fixture
def approved() -> PayoutRun:
    load("2021-07")
    return approved_july()


@pytest.fixture
def computed() -> PayoutRun:
    load("2021-07")
    return computed_july()


def approve_by_hand(run: PayoutRun, approver: int) -> str:
    return (
        "UPDATE payments_payoutrun SET status = 'approved', approved_at = now(), payer_copy = '{}',"
        f" approver_id = {approver} WHERE id = {run.pk}"
    )


def test_tests_run_as_a_role_that_owns_nothing() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_tables WHERE schemaname = 'public' AND tableowner = current_user"
        )
        assert cursor.fetchone() == (0,)


def test_the_maker_cannot_be_the_approver(computed: PayoutRun) -> None:
    refuses(approve_by_hand(computed, computed.maker_id), because="payments_run_maker_is_not_approver")


def test_nobody_approves_without_being_named(computed: PayoutRun) -> None:
    refuses(
        "UPDATE payments_payoutrun SET status = 'approved' WHERE id = %s",
        computed.pk,
        because="payments_run_approved_by_somebody",
    )


def test_a_dispatch_has_one_fee_line_over_all_runs(approved: PayoutRun) -> None:
    sql(
        "INSERT INTO payments_payoutrun (month, ordinal, name, status, cutoff, pay_date, maker_id, payer_id,"
        " dispatch_count, payee_count, fee, travel, gross, withholding, net, consumption_tax, snapshot, digest)"
        " SELECT month, 2, '2021-07-2', 'draft', cutoff, pay_date, maker_id, payer_id, 0, 0, 0, 0, 0, 0, 0, 0, '', ''"
        " FROM payments_payoutrun"
    )
    sql(
        "INSERT INTO payments_payout SELECT (jsonb_populate_record(p, jsonb_build_object("
        "'id', p.id + 1000000, 'run_id', (SELECT max(id) FROM payments_payoutrun)))).* FROM payments_payout p LIMIT 1"
    )
    refuses(
        "INSERT INTO payments_payoutline (run_id, payout_id, dispatch_id, expert_id, item, line_no, day, amount,"
        " explanation) SELECT (SELECT max(id) FROM payments_payoutrun), (SELECT max(id) FROM payments_payout),"
        " dispatch_id, expert_id, item, 0, day, 1, '' FROM payments_payoutline WHERE item = '謝金' LIMIT 1",
        because="payments_line_one_fee_per_dispatch",
    )


@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE payments_payoutline SET amount = amount + 1 WHERE id = (SELECT min(id) FROM payments_payoutline)",
        "DELETE FROM payments_payoutline WHERE item = '謝金' AND id = (SELECT max(id) FROM payments_payoutline"
        " WHERE item = '謝金')",
        "UPDATE payments_payout SET gross = gross + 1, net = net + 1, fee = fee + 1"
        " WHERE id = (SELECT min(id) FROM payments_payout)",
        "UPDATE payments_payoutrun SET gross = gross + 1, net = net + 1",
        "UPDATE payments_payoutrun SET payee_count = payee_count + 1",
        "UPDATE payments_payoutrun SET withholding = withholding + 1, net = net - 1",
        "UPDATE payments_payoutline SET expert_id = (SELECT max(expert_id) FROM payments_payout)"
        " WHERE id = (SELECT min(id) FROM payments_payoutline)",
    ],
)
def test_lines_payouts_and_totals_must_agree_at_the_approval(computed: PayoutRun, tampering: str) -> None:
    sql(tampering)
    refuses(approve_by_hand(computed, checker().pk), because="承認できません")


def test_a_run_without_payouts_cannot_be_approved(computed: PayoutRun) -> None:
    sql("DELETE FROM payments_payoutline")
    sql("DELETE FROM payments_payout")
    refuses(approve_by_hand(computed, checker().pk), because="支払がありません")


@pytest.mark.parametrize(
    "table", ["payments_payout", "payments_payoutline", "payments_runhold", "payments_runruleset"]
)
def test_the_rows_of_an_approved_run_are_frozen(approved: PayoutRun, table: str) -> None:
    refuses(f"DELETE FROM {table}", because="承認済み")
    refuses(f"UPDATE {table} SET run_id = run_id", because="承認済み")
    refuses(
        f"INSERT INTO {table} SELECT (jsonb_populate_record(t, jsonb_build_object('id', t.id + 1000000))).*"
        f" FROM {table} t LIMIT 1"
    )


@pytest.mark.parametrize(
    "change",
    [
        "pay_date = pay_date + 1",
        "gross = gross + 1, net = net + 1",
        "digest = ''",
        "maker_id = maker_id + 1",
        "name = 'x'",
    ],
)
def test_an_approved_run_itself_is_frozen(approved: PayoutRun, change: str) -> None:
    refuses(f"UPDATE payments_payoutrun SET {change}")


def test_an_approved_run_cannot_be_deleted(approved: PayoutRun) -> None:
    refuses("DELETE FROM payments_payoutrun", because="承認済み")


@pytest.mark.parametrize("status", ["draft", "computed", "transferred", "closed"])
def test_an_approved_run_goes_forward_one_step_at_a_time(approved: PayoutRun, status: str) -> None:
    refuses("UPDATE payments_payoutrun SET status = %s", status, because="変更できません")


def test_a_run_cannot_begin_as_approved(computed: PayoutRun) -> None:
    refuses(
        "INSERT INTO payments_payoutrun SELECT (jsonb_populate_record(r, jsonb_build_object('id', r.id + 1,"
        " 'ordinal', 2, 'name', 'x', 'status', 'approved'))).* FROM payments_payoutrun r",
        because="下書き",
    )


@pytest.mark.parametrize(
    "table",
    ["payments_payoutrun", "payments_payout", "payments_payoutline", "payments_runhold", "payments_runfile",
     "dispatch_dispatch", "dispatch_travelline", "audit_change"],
)  # fmt: skip
def test_nothing_can_be_truncated(table: str) -> None:
    refuses(f"TRUNCATE {table} CASCADE", because="permission denied")


def test_the_evidence_of_a_paid_dispatch_is_frozen(approved: PayoutRun) -> None:
    paid = "(SELECT dispatch_id FROM payments_payoutline)"
    travelling = "(SELECT l.dispatch_id FROM payments_payoutline l JOIN dispatch_travelline USING (dispatch_id) LIMIT 1)"
    refuses(
        f"UPDATE dispatch_travelline SET claimed = claimed + 1 WHERE dispatch_id IN {paid}",
        because="承認済み",
    )
    refuses(f"DELETE FROM dispatch_travelline WHERE dispatch_id IN {paid}", because="承認済み")
    refuses(
        "INSERT INTO dispatch_travelline SELECT (jsonb_populate_record(t, jsonb_build_object('id', t.id + 1000000,"
        f" 'line_no', 99))).* FROM dispatch_travelline t WHERE dispatch_id IN {travelling} LIMIT 1",
        because="承認済み",
    )
    refuses(
        "INSERT INTO dispatch_checkevent (event_id, dispatch_id, kind, device_time, signer_name)"
        " SELECT 'late', min(dispatch_id), '終了', now(), '' FROM payments_payoutline",
        because="承認済み",
    )
    refuses(f"UPDATE dispatch_dispatch SET break_minutes = 1 WHERE id IN {paid}", because="承認済み")
    refuses(
        "INSERT INTO dispatch_declaration (dispatch_id, cause, submitted_at, reason)"
        " SELECT min(dispatch_id), '位置情報不備', now(), 'x' FROM payments_payoutline",
        because="承認済み",
    )


def test_a_held_dispatch_can_still_be_corrected(approved: PayoutRun) -> None:
    sql(
        "UPDATE dispatch_dispatch SET break_minutes = 1 WHERE id IN (SELECT dispatch_id FROM payments_runhold)"
    )


def test_check_events_are_append_only(approved: PayoutRun) -> None:
    refuses("UPDATE dispatch_checkevent SET signer_name = 'x'", because="permission denied")
    refuses("DELETE FROM dispatch_checkevent", because="permission denied")


def test_the_list_of_files_is_append_only(approved: PayoutRun) -> None:
    sql("INSERT INTO payments_runfile (run_id, name, size, sha256) VALUES (%s, 'a', 1, 'x')", approved.pk)
    refuses("UPDATE payments_runfile SET sha256 = 'y'", because="書き換えられません")
    refuses("DELETE FROM payments_runfile", because="permission denied")


def test_a_rule_set_that_an_approved_run_used_is_frozen(approved: PayoutRun) -> None:
    refuses(
        "UPDATE programme_ruleset SET values = jsonb_set(values, '{car_yen_per_km}', '38')",
        because="承認済み",
    )


def test_a_rule_set_of_a_draft_can_still_be_corrected(computed: PayoutRun) -> None:
    sql("UPDATE programme_ruleset SET values = jsonb_set(values, '{car_yen_per_km}', '38')")


def test_rule_sets_never_overlap() -> None:
    refuses(
        "INSERT INTO programme_ruleset (code, name, valid, values, created_at, updated_at)"
        " SELECT 'X', 'X', daterange('2022-03-31', '2023-04-01'), values, now(), now() FROM programme_ruleset",
        because="programme_ruleset_no_overlap",
    )


@pytest.mark.parametrize(
    ("action", "status"),
    [("", "paid"), ("pay", "paid"), ("schedule", "paid"), ("import", "scheduled"), ("approve", "verified")],
)
def test_a_dispatch_moves_only_along_the_transitions(action: str, status: str) -> None:
    load("2021-07")
    sql("SELECT set_config('app.transition', %s, true)", action)
    refuses("UPDATE dispatch_dispatch SET status = %s WHERE status = 'approved'", status, because="手続き")


def test_the_application_cannot_change_the_structure() -> None:
    refuses("CREATE TABLE mine (id int)", because="permission denied")
    refuses("CREATE TEMP TABLE mine (id int)", because="permission denied")
    refuses("DROP TRIGGER guard_run ON payments_payoutrun", because="must be owner")
    refuses("ALTER TABLE payments_payoutrun DISABLE TRIGGER ALL", because="must be owner")
    refuses("SET session_replication_role = replica", because="permission denied")


@pytest.mark.parametrize(
    "table",
    ["dispatch_dispatch", "experts_expert", "institutions_institution", "payments_runfile", "audit_change"],
)
def test_business_records_are_never_deleted(table: str) -> None:
    refuses(f"DELETE FROM {table}", because="permission denied")


def test_the_history_can_be_neither_written_nor_changed() -> None:
    load("2021-07")
    refuses("UPDATE audit_change SET actor_name = 'x'", because="permission denied")
    refuses(
        "INSERT INTO audit_change SELECT (jsonb_populate_record(c, jsonb_build_object('id', c.id + 1000000))).*"
        " FROM audit_change c LIMIT 1",
        because="permission denied",
    )


def test_two_runs_cannot_be_prepared_at_once(computed: PayoutRun) -> None:
    refuses(
        "INSERT INTO payments_payoutrun SELECT (jsonb_populate_record(r, jsonb_build_object('id', r.id + 1,"
        " 'ordinal', 2, 'name', 'x', 'status', 'draft'))).* FROM payments_payoutrun r",
        because="payments_run_one_open",
    )


def test_who_did_it_is_in_the_history(approved: PayoutRun) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT actor_name, action FROM audit_change WHERE \"table\" = 'payments_payoutrun' AND operation = 'U'"
            " ORDER BY id DESC LIMIT 1"
        )
        assert cursor.fetchone() == (checker().get_full_name(), "approve_run")
        cursor.execute(
            "SELECT DISTINCT actor_name, action FROM dispatch_statuschange WHERE to_status = 'scheduled'"
        )
        assert cursor.fetchall() == [(checker().get_full_name(), "schedule")]
