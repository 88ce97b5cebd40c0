"""`manage.py demo_data`: the story in a real database, loaded and paid through the services."""

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
import time_machine
from demo_command import all_rows, demo_data, history_length
from django.contrib.auth import authenticate

from accounts.models import Role, User
from core.notify.services import waiting_for
from core.programme.models import RuleSet
from dispatch.models import ApprovalRequest, Assessment, Attestation, Case, Dispatch, Finding, Status
from dispatch.services import telling as telling_codes
from experts.appointment.models import Appointment
from experts.changes.selectors import to_check, to_make
from experts.registration.models import Registration
from experts.renewal.models import Ask
from institutions.models import Institution, OperatorChange, Roster, RosterLine
from office import urls as office_urls
from office.waiting import everything_waiting
from payments.demo import logins
from payments.models import PayoutRun
from payments.services import approve_run, compute_run, draft_run
from payments.services.export import archive_name, downloads
from rules.findings import CHECKS

pytestmark = pytest.mark.django_db


def test_the_story_is_loaded_and_its_months_are_paid(told: Any, today: dt.date, settings: Any) -> None:
    settings.EXPORT_DIR = told.exports
    closed, transferred = PayoutRun.objects.order_by("month")
    assert (closed.name, closed.status) == ("2026-08", PayoutRun.Status.CLOSED)
    assert (transferred.name, transferred.status) == ("2026-09", PayoutRun.Status.TRANSFERRED)
    for run in (closed, transferred):
        assert run.maker != run.approver
        assert run.payee_count > 30
        assert downloads(run).exists(archive_name(run))
    assert set(Dispatch.objects.values_list("status", flat=True)) >= {
        Status.CONFIRMED,
        Status.VISITED,
        Status.REPORTED,
        Status.APPROVED,
        Status.INELIGIBLE,
        Status.PAID,
        Status.CANCELLED,
        Status.DECLINED,
    }
    assert set(RuleSet.objects.values_list("code", flat=True)) == {"R3", "R7", "R8"}


def test_the_screens_are_filled_with_every_finding(told: Any, today: dt.date) -> None:
    assert set(Finding.objects.values_list("code", flat=True)) == {check.code for check in CHECKS}
    october = Assessment.objects.filter(month=dt.date(2026, 10, 1))
    assert october.filter(kind=Assessment.Kind.PAYABLE).count() > 70


def test_a_person_drafts_and_another_approves_the_open_month_right_away(told: Any, today: dt.date) -> None:
    operator, approver = logins.account(logins.OPERATOR), logins.account(logins.APPROVER)
    run = draft_run(month=dt.date(2026, 10, 1), pay_date=dt.date(2026, 11, 25), actor=operator)
    run = compute_run(run=run, actor=operator)
    assert run.dispatch_count > 70
    assert approve_run(run=run, actor=approver).status == PayoutRun.Status.APPROVED


def test_one_login_per_role_is_printed_and_works(told: Any, today: dt.date, rf: Any) -> None:
    assert {login.role for login in logins.LOGINS} == set(Role)
    for login in logins.LOGINS:
        (line,) = (line for line in told.printed.splitlines() if login.username in line)
        assert login.secret in line
        assert Role(login.role).label in line
        user = authenticate(rf.post("/"), username=login.username, password=login.secret)
        assert user is not None
        assert isinstance(user, User)
        assert user.role == login.role
    chief = logins.account(logins.CHIEF)
    assert Institution.objects.visible_to(chief).get().platform_role == "代表"
    assert Dispatch.objects.visible_to(logins.account(logins.EXPERT)).filter(status=Status.PAID).exists()


def test_whoever_signs_in_finds_something_at_every_step(told: Any, today: dt.date) -> None:
    chief, expert = logins.account(logins.CHIEF), logins.account(logins.EXPERT)
    own = Dispatch.objects.visible_to(chief).filter(expert__user=expert)
    found = set(own.values_list("status", flat=True))
    assert found >= {Status.APPLIED, Status.ACCEPTED, Status.CONFIRMED, Status.VISITED, Status.REPORTED}
    assert own.filter(status=Status.CONFIRMED, planned_from__date=today).exists()
    assert Case.objects.visible_to(chief).count() == 3
    registrations = Registration.objects.visible_to(chief).order_by("number")
    assert [row.state for row in registrations] == ["invited", "institution", "office"]
    assert ApprovalRequest.objects.filter(decided_at=None, kind=ApprovalRequest.Kind.WEB).count() == 1
    assert {task.code for task in waiting_for(chief)} >= {telling_codes.APPROVE, telling_codes.INQUIRY}
    assert Attestation.objects.filter(confirmed=False).count() == 1


def test_twice_changes_nothing_and_prints_the_logins_again(told: Any, today: dt.date, tmp_path: Path) -> None:
    rows, history = all_rows(tmp_path / "before"), history_length()
    with time_machine.travel(dt.datetime(2027, 4, 5, tzinfo=dt.UTC)):
        assert demo_data() == told.printed
    assert all_rows(tmp_path / "after") == rows
    assert history_length() == history


def test_the_year_of_experts_and_institutions_is_under_way(told: Any, today: dt.date) -> None:
    operator, approver = logins.account(logins.OPERATOR), logins.account(logins.APPROVER)
    expert = logins.account(logins.EXPERT)
    appointments = Appointment.objects.filter(round__fiscal_year=2026)
    assert set(appointments.values_list("state", flat=True)) == {"offered", "agreed", "issued", "accepted"}
    assert appointments.get(expert__user=expert).state == "issued"
    asks = Ask.objects.filter(campaign__state="asking")
    assert set(asks.values_list("answer", flat=True)) == {"", "renew", "decline"}
    assert asks.get(expert__user=expert).answer == ""
    assert to_check(operator).count() == 1
    assert (to_make(operator).count(), to_make(approver).count()) == (0, 1)
    assert Roster.objects.get().state == Roster.State.DRAFT
    assert set(RosterLine.objects.values_list("outcome", flat=True)) == {"changed", "new"}
    assert OperatorChange.objects.get().state == OperatorChange.State.CHECKING
    assert {task.code for task in waiting_for(expert)} >= {"appointment", "renewal_answer"}
    assert office_urls.urlpatterns  # each page says what waits once it is known
    titles = " ".join(line["title"] for line in everything_waiting(approver))
    for word in ("委嘱状の発行", "登録内容の変更の反映", "専門家の登録の確認", "構成機関名簿", "回答の確認"):
        assert word in titles
