"""Rule sets are data: dated, never overlapping, frozen once paid by."""

import datetime as dt

import pytest
from django.db import IntegrityError, transaction

from core.audit.acting import SYSTEM
from core.audit.models import Change
from core.errors import DomainError
from core.programme.forms import RuleSetForm
from core.programme.models import CodeItem, RuleSet
from core.programme.selectors import RuleBook
from core.programme.services import load_first_values, save_rule_set
from rules import codes
from rules.readings import PER_MINUTE_IF_30

pytestmark = pytest.mark.django_db


def r3() -> RuleSet:
    return RuleSet.objects.get(code="R3")


def add(code: str, first: dt.date, end: dt.date | None, **values: object) -> RuleSet:
    return save_rule_set(
        code=code, name=code, first_day=first, end_day=end, values={**r3().values, **values}, actor=SYSTEM
    )


def test_setup_brings_r3_and_the_topics_once() -> None:
    assert load_first_values(actor=SYSTEM) is False
    assert [item.name for item in CodeItem.objects.filter(list="topic")] == list(codes.TOPICS)
    book = RuleBook()
    assert book(dt.date(2021, 3, 31)) is None
    assert book(dt.date(2021, 4, 1)) is not None
    assert book(dt.date(2022, 3, 31)) is not None
    assert book(dt.date(2022, 4, 1)) is None


def test_each_day_has_the_rule_set_in_force_on_it() -> None:
    add("R4", dt.date(2022, 4, 1), None, fee_unit_yen=3000, fee_rounding=PER_MINUTE_IF_30)
    book = RuleBook()
    before, after = book(dt.date(2022, 3, 31)), book(dt.date(2030, 1, 1))
    assert before is not None
    assert after is not None
    assert (before.fee_unit_yen, after.fee_unit_yen, after.fee_rounding) == (2640, 3000, PER_MINUTE_IF_30)
    assert {rule_set.code for rule_set in book.used.values()} == {"R3", "R4"}


def test_overlapping_days_are_refused_with_the_reason() -> None:
    with pytest.raises(DomainError, match="重なっています"):
        add("R4", dt.date(2022, 3, 31), None)


def test_the_database_itself_refuses_overlapping_days() -> None:
    with pytest.raises(IntegrityError, match="programme_ruleset_no_overlap"), transaction.atomic():
        RuleSet.objects.create(code="X", name="X", valid=(dt.date(2021, 5, 1), None), values={})


def test_values_that_make_no_rule_set_are_named_one_by_one() -> None:
    with pytest.raises(DomainError) as refusal:
        add("R4", dt.date(2022, 4, 1), None, fee_unit_yen="たくさん", fee_rounding="guess", unknown_thing=1)
    assert "謝金の単価" in refusal.value.message
    assert "端数時間の扱い" in refusal.value.message
    assert "unknown_thing" in refusal.value.message


def test_a_change_is_in_the_history_with_the_person() -> None:
    row = r3()
    save_rule_set(
        code="R3",
        name="改称",
        first_day=row.valid.lower,
        end_day=row.valid.upper,
        values=row.values,
        actor=SYSTEM,
        rule_set=row,
    )
    change = Change.objects.filter(table="programme_ruleset", row_id=row.pk, operation="U").get()
    assert (change.actor_name, change.action) == ("システム", "save_rule_set")
    assert change.old["name"] == "令和3年度"
    assert change.new["name"] == "改称"


def form_data(form: RuleSetForm) -> dict[str, object]:
    data = {name: form.get_initial_for_field(field, name) for name, field in form.fields.items()}
    return {name: value for name, value in data.items() if value not in (None, False)}


def test_the_form_reads_back_every_value_it_shows() -> None:
    row = r3()
    form = RuleSetForm(form_data(RuleSetForm(instance=row)), instance=row)
    assert form.is_valid(), form.errors
    assert form.cleaned_data["rule_values"] == row.values
    assert form.cleaned_data["end_day"] == row.valid.upper


def test_the_form_keeps_what_was_typed_and_says_what_is_wrong_beside_it() -> None:
    row = r3()
    data = form_data(RuleSetForm(instance=row)) | {"fee_unit_yen": "-5", "dispatch_period_to": "13-40"}
    form = RuleSetForm(data, instance=row)
    assert not form.is_valid()
    assert set(form.errors) == {"fee_unit_yen", "dispatch_period_to"}
    assert form["dispatch_period_to"].value() == "13-40"
