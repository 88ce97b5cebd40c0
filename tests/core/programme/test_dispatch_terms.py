"""Lead time and deadlines are dated data: new ones count from their day on, the old ones before it."""

import datetime as dt
from typing import Any

import pytest
from django.test import Client

from accounts.models import Role, User
from accounts.services import create_user
from core import clock
from core.audit.acting import SYSTEM
from core.audit.models import Change
from core.errors import DomainError
from core.programme.models import DispatchTerms
from core.programme.selectors import code_items, dispatch_terms
from core.programme.services import change_dispatch_terms, load_first_values, save_dispatch_terms

pytestmark = pytest.mark.django_db

APRIL = dt.date(2022, 4, 1)


def test_new_terms_count_from_their_day_on_and_keep_what_is_not_named() -> None:
    save_dispatch_terms(
        name="令和4年度", first_day=APRIL, end_day=None, values={"lead_days": 1}, actor=SYSTEM
    )
    assert dispatch_terms(dt.date(2022, 3, 31)).lead_days == 3
    after = dispatch_terms(APRIL)
    assert (after.lead_days, after.report_days) == (1, 7)


@pytest.mark.parametrize(
    ("values", "end"),
    [({"lead_day": 1}, None), ({"lead_days": -1}, None), ({"lead_days": 1}, dt.date(2022, 3, 1))],
)
def test_terms_that_make_no_sense_are_refused(values: dict[str, int], end: dt.date | None) -> None:
    with pytest.raises(DomainError):
        save_dispatch_terms(name="誤り", first_day=APRIL, end_day=end, values=values, actor=SYSTEM)
    assert DispatchTerms.objects.count() == 1


def test_two_terms_cannot_begin_on_one_day() -> None:
    save_dispatch_terms(name="令和4年度", first_day=APRIL, end_day=None, values={}, actor=SYSTEM)
    with pytest.raises(DomainError, match="この日に始まる"):
        save_dispatch_terms(name="もう一つ", first_day=APRIL, end_day=None, values={}, actor=SYSTEM)


def test_setup_again_adds_nothing_and_every_list_of_reasons_is_there() -> None:
    assert load_first_values(actor=SYSTEM) is False
    for name in ("topic", "web_reason", "return_reason", "absence", "travel_reason"):
        assert code_items(name, APRIL)


PATH = "/admin/programme/dispatchterms/"


def signed_in(role: str, settings: Any) -> tuple[Client, User]:
    settings.MFA_REQUIRED = False
    user = create_user(username=role, role=role, actor=SYSTEM)
    client = Client()
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client, user


def filled(day: dt.date, **given: Any) -> dict[str, Any]:
    values = {
        "name": "来年度",
        "first_day": day.isoformat(),
        "lead_days": 5,
        "answer_days": 2,
        "report_days": 7,
    }
    values |= {"attestation_days": 7, "approval_days": 7, "inquiry_days": 7, "escalation_days": 3}
    return values | {"link_days": 30, "clock_skew_seconds": 300, "usual_claim_yen": 20000, **given}


def test_an_administrator_adds_terms_and_those_before_end(settings: Any) -> None:
    client, admin = signed_in(Role.OFFICE_ADMIN, settings)
    first = clock.today() + dt.timedelta(days=30)
    assert 'value="3"' in client.get(f"{PATH}add/").content.decode()
    assert client.post(f"{PATH}add/", filled(first)).status_code == 302
    before, after = DispatchTerms.objects.order_by("valid")
    assert (before.valid.upper, after.valid.lower, after.valid.upper) == (first, first, None)
    assert (after.escalation_days, after.usual_claim_yen) == (3, 20000)
    made = Change.objects.filter(table="programme_dispatchterms", row_id=after.pk).get()
    assert (made.actor_id, made.action) == (admin.pk, "save_dispatch_terms")


@pytest.mark.parametrize("days", [-1, 30])
def test_terms_for_the_past_or_for_a_day_already_taken_are_refused_beside_the_field(
    days: int, settings: Any
) -> None:
    client, _ = signed_in(Role.OFFICE_ADMIN, settings)
    taken = clock.today() + dt.timedelta(days=30)
    save_dispatch_terms(name="先", first_day=taken, end_day=None, values={}, actor=SYSTEM)
    answer = client.post(f"{PATH}add/", filled(clock.today() + dt.timedelta(days=days), name="残る名称"))
    assert answer.status_code == 200
    assert "初日" in answer.content.decode()
    assert "残る名称" in answer.content.decode()
    assert DispatchTerms.objects.count() == 2


def test_terms_change_only_before_they_begin(settings: Any) -> None:
    client, _ = signed_in(Role.OFFICE_ADMIN, settings)
    in_force = DispatchTerms.objects.get()
    assert client.post(f"{PATH}{in_force.pk}/change/", filled(clock.today())).status_code == 403
    with pytest.raises(DomainError, match="既に始まっている"):
        change_dispatch_terms(terms=in_force, name="x", values={"lead_days": 1}, actor=SYSTEM)
    first = clock.today() + dt.timedelta(days=30)
    coming = save_dispatch_terms(name="次", first_day=first, end_day=None, values={}, actor=SYSTEM)
    assert client.post(f"{PATH}{coming.pk}/change/", filled(first, lead_days=9)).status_code == 302
    coming.refresh_from_db()
    assert (coming.lead_days, coming.valid.lower) == (9, first)


def test_others_of_the_office_only_look_at_terms(settings: Any) -> None:
    client, _ = signed_in(Role.OFFICE_OPERATOR, settings)
    assert client.get(PATH).status_code == 200
    assert "標準" in client.get(f"{PATH}{DispatchTerms.objects.get().pk}/change/").content.decode()
    assert client.post(f"{PATH}add/", filled(clock.today())).status_code == 403
