"""Lead time and deadlines are dated data: new ones count from their day on, the old ones before it."""

import datetime as dt

import pytest

from core.audit.acting import SYSTEM
from core.errors import DomainError
from core.programme.models import DispatchTerms
from core.programme.selectors import code_items, dispatch_terms
from core.programme.services import load_first_values, save_dispatch_terms

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
    for name in ("topic", "web_reason", "return_reason", "absence"):
        assert code_items(name, APRIL)
