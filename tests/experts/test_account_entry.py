"""A bank account is judged while it is typed, by the rules that would hold its payment later."""

from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from core.banks.models import Bank, Branch
from experts.account_entry import check_account, check_yucho_account, find_banks, find_branches
from rules import yucho

pytestmark = pytest.mark.django_db

GOOD: dict[str, Any] = {
    "bank_code": "0001",
    "branch_code": "001",
    "account_type": "普通",
    "account_number": "12345",
    "holder_kana": "タカハシ　イチロウ",
}


@pytest.mark.parametrize("typed", ["0001", "０００１", "みずほ", "ミズホ", "ﾐｽﾞﾎ", "みずほ銀行"])
def test_a_bank_is_found_by_code_or_name_however_written(typed: str) -> None:
    assert find_banks(typed)[0].code == "0001"


def test_a_credit_union_is_found_by_its_full_name() -> None:
    short = Bank.objects.filter(name__endswith="信金").order_by("code").first()
    assert short is not None
    assert short in find_banks(short.name.replace("信金", "信用金庫"))


@pytest.mark.parametrize("typed", ["JA松本ハイランド", "ＪＡ松本ハイランド", "松本ハイランド農業協同組合"])
def test_an_agricultural_cooperative_is_found_by_what_it_calls_itself(typed: str) -> None:
    assert [bank.name for bank in find_banks(typed)] == ["松本ハイランド農協"]


@pytest.mark.parametrize("typed", ["001", "東京営業部", "とうきょう"])
def test_a_branch_is_found_within_its_bank(typed: str) -> None:
    found = find_branches("0001", typed)
    assert "001" in [branch.code for branch in found]
    assert {branch.bank_id for branch in found} == {Bank.objects.get(code="0001").pk}


@pytest.mark.parametrize("typed", ["", "　", "・", "存在しない銀行の名前"])
def test_nothing_typed_or_nothing_known_finds_nothing(typed: str) -> None:
    assert find_banks(typed) == []
    assert find_branches("0001", typed) == []


def test_finding_takes_one_query(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(1):
        find_banks("みずほ")
    with django_assert_num_queries(1):
        find_branches("0001", "東京")


def test_a_good_account_is_shown_as_the_bank_reads_it() -> None:
    entered = check_account(**GOOD)
    assert entered.ok
    assert (entered.bank_name, entered.account_number) == ("みずほ", "0012345")
    assert entered.holder_in_file == "ﾀｶﾊｼ ｲﾁﾛｳ"


@pytest.mark.parametrize(
    ("field", "typed", "told_at", "says"),
    [
        ("bank_code", "ZZZZ", "bank_code", "ZZZZ"),
        ("bank_code", "", "bank_code", "選んで"),
        ("branch_code", "ZZZ", "branch_code", "支店名から"),
        ("account_type", "定期", "account_type", "普通"),
        ("account_number", "12345678", "account_number", "7桁"),
        ("account_number", "", "account_number", "7桁"),
        ("account_number", "1２a", "account_number", "7桁"),
        ("account_number", "0000000", "account_number", "0だけ"),
        ("holder_kana", "髙橋 一郎", "account_holder_kana", "漢字"),
        ("holder_kana", "ヲノ タロウ", "account_holder_kana", "ヲ"),
        ("holder_kana", "", "account_holder_kana", "ありません"),
        ("holder_kana", "ア" * 31, "account_holder_kana", "30バイト"),
    ],
)
def test_what_the_bank_would_refuse_is_told_at_its_field_alone(
    field: str, typed: str, told_at: str, says: str
) -> None:
    entered = check_account(**(GOOD | {field: typed}))
    assert list(entered.problems) == [told_at]
    assert says in entered.problems[told_at]


def test_a_branch_of_another_bank_is_not_taken() -> None:
    own = Branch.objects.filter(bank__code="0001").values("code")
    foreign = Branch.objects.exclude(bank__code="0001").exclude(code__in=own).first()
    assert foreign is not None
    assert "branch_code" in check_account(**(GOOD | {"branch_code": foreign.code})).problems


def test_wo_is_taken_where_the_rule_set_allows_it() -> None:
    assert check_account(**(GOOD | {"holder_kana": "ヲノ タロウ"}), wo_allowed=True).ok


def _kigo(bango: str) -> str:
    return f"101{yucho.check_digit('10100', bango)}0"


def test_kigo_and_bango_become_branch_and_number() -> None:
    bango = "12345671"
    entered = check_yucho_account(
        kigo=_kigo(bango), bango="１２３４５６７１", holder_kana="タカハシ イチロウ"
    )
    assert (entered.problems, entered.hints) == ({}, {})
    assert (entered.bank_code, entered.branch_code) == ("9900", "018")
    assert (entered.account_type, entered.account_number) == ("普通", "1234567")


def test_a_doubtful_digit_warns_and_a_malformed_number_refuses() -> None:
    kigo = _kigo("12345671")
    doubtful = f"{kigo[:3]}{(int(kigo[3]) + 1) % 10}0"
    warned = check_yucho_account(kigo=doubtful, bango="12345671", holder_kana="タカハシ")
    assert warned.ok
    assert "通帳" in warned.hints["yucho"]
    refused = check_yucho_account(kigo="99999", bango="12345671", holder_kana="髙橋")
    assert set(refused.problems) == {"yucho", "account_holder_kana"}


def test_account_and_name_are_not_in_what_a_log_would_print() -> None:
    shown = repr(check_account(**(GOOD | {"holder_kana": "髙橋"}))) + repr(check_account(**GOOD))
    assert "12345" not in shown
    assert "髙" not in shown
    assert "ﾀｶﾊｼ" not in shown
