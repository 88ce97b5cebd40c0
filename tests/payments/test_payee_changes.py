"""A payee's account changes while a run is on its way: the run warns, and pays the account it should."""

import datetime as dt
from typing import Any

import pytest
from closing import approved_july, checker, computed_july, load, maker
from django.test import Client

from accounts.models import Role
from core.audit.acting import SYSTEM, acting
from core.banks.models import Branch
from core.errors import DomainError
from core.notify.models import Task
from experts.accounts import create_tied_user
from experts.changes import services
from experts.changes.models import ChangeRequest
from experts.models import Expert
from payments.models import Payout, PayoutRun
from payments.selectors import run_warnings
from payments.services import approve_run, compute_run, draft_run
from payments.services.account_changes import changed_without_request
from payments.services.draft import drop_run
from payments.services.payee_changes import TASK, outdated_payees

NEW = "7776655"


@pytest.fixture
def computed(fresh_database: Any) -> PayoutRun:
    """On real commits: whether something changed since is asked of the database's transactions."""
    load("2021-07")
    return computed_july()


def payee(run: PayoutRun) -> Expert:
    return Expert.objects.get(code=run.payouts.order_by("expert_code")[0].expert_code)


def new_account(expert: Expert) -> ChangeRequest:
    """Asked by the expert, checked by one, made by another."""
    user = create_tied_user(username="senmonka", role=Role.EXPERT, expert=expert.code, actor=maker())
    branch = Branch.objects.select_related("bank").order_by("bank__code", "code")[3]
    row = services.ask_change(
        expert=expert,
        kind="account",
        entry={
            "bank_code": branch.bank.code,
            "branch_code": branch.code,
            "account_type": "普通",
            "account_number": NEW,
            "account_holder_kana": "ヤマダ ハナコ",
        },
        reason="口座の変更",
        key="k",
        actor=user,
    )
    row = services.check_change(request=row, note="通帳の写し", seen=token(row), actor=maker())
    return services.make_change(request=row, seen=token(row), actor=checker())


def token(row: ChangeRequest) -> str:
    row = ChangeRequest.objects.get(pk=row.pk)
    return services.seen_token(row, Expert.objects.get(pk=row.expert_id))


def waiting(run: PayoutRun) -> set[str]:
    return set(Task.objects.open().filter(code=TASK).values_list("role", flat=True))


def test_a_calculated_run_warns_is_not_approved_and_takes_the_new_account_when_calculated_again(
    computed: PayoutRun, settings: Any
) -> None:
    settings.MFA_REQUIRED = False
    expert = payee(computed)
    assert (outdated_payees(computed), waiting(computed)) == ([], set())
    new_account(expert)
    (found,) = outdated_payees(computed)
    assert (found.code, found.account, found.titles) == (expert.code, True, "振込口座")
    assert waiting(computed) == {Role.OFFICE_OPERATOR, Role.OFFICE_APPROVER}
    assert any("計算をやり直すと" in warning for warning in run_warnings(computed))
    browser = Client()
    browser.force_login(maker(), backend="allauth.account.auth_backends.AuthenticationBackend")
    month = browser.get("/office/months/2021-07/").content.decode()
    assert "支払先の登録が、計算の後に変わりました" in month
    assert expert.code in browser.get(f"/office/runs/{computed.name}/").content.decode()
    with pytest.raises(DomainError, match="計算をやり直してください"):
        approve_run(run=computed, actor=checker())
    again = compute_run(run=computed, actor=maker())
    assert (outdated_payees(again), waiting(again)) == ([], set())
    approve_run(run=again, actor=checker())
    assert Payout.objects.get(run=again, expert=expert).account_number == NEW


def test_an_approved_run_keeps_its_account_and_says_so(computed: PayoutRun) -> None:
    expert = payee(computed)
    before = expert.account_number
    run = approve_run(run=computed, actor=checker())
    new_account(expert)
    assert any("変更前の口座に振り込みます" in warning for warning in run_warnings(run))
    assert waiting(run) == {Role.OFFICE_OPERATOR, Role.OFFICE_APPROVER}
    assert Payout.objects.get(run=run, expert=expert).account_number == before


def test_a_run_without_the_expert_and_a_dropped_one_leave_no_task(computed: PayoutRun) -> None:
    expert = payee(computed)
    new_account(expert)
    assert waiting(computed)
    drop_run(run=computed, actor=maker())
    assert not waiting(computed)


def test_an_untouched_run_is_asked_with_one_query(
    computed: PayoutRun, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(1):
        assert outdated_payees(computed) == []


def august() -> PayoutRun:
    run = draft_run(
        month=dt.date(2021, 8, 1), pay_date=dt.date(2021, 9, 27), actor=maker(), past_allowed=True
    )
    return compute_run(run=run, actor=maker())


def test_an_account_changed_by_one_hand_since_the_last_payment_is_named_to_the_approver(
    fresh_database: Any,
) -> None:
    load("edges/stage1")
    july = approved_july()
    load("edges/stage2")
    first = august()
    assert changed_without_request(first) == []
    paid = list(first.payouts.values_list("expert", flat=True))
    both = Expert.objects.filter(payouts__run=july, pk__in=paid).order_by("code")
    by_request, by_file, untouched = both[:3]
    new_account(by_request)
    for expert, number in ((by_file, NEW), (untouched, untouched.account_number)):
        with acting(SYSTEM, "load_exchange"):
            expert.account_number = number
            expert.save(update_fields=["account_number", "updated_at"])
    again = compute_run(run=first, actor=maker())
    assert [payout.expert_code for payout in changed_without_request(again)] == [by_file.code]
    [said] = [warning for warning in run_warnings(again) if "によらずに" in warning]
    assert by_file.code in said
    approve_run(run=again, actor=checker())
    again.refresh_from_db()
    assert changed_without_request(again) == []
