"""The 総合振込 file and ゆうちょ accounts."""

from __future__ import annotations

import hashlib
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rule_facts import case_id, vector_cases

from rules import yucho
from rules.zengin.errors import ZenginError, ZenginNameError
from rules.zengin.file import file_bytes, records
from rules.zengin.name import BANK, EDI, PARTY, account_name_problem, convert, informational_name
from rules.zengin.record import Dialect, Sender, Transfer, data_record, sender_account_code

TRANSFER_FIELDS = {
    "被仕向銀行番号": "bank_code",
    "被仕向銀行名": "bank_name",
    "被仕向支店番号": "branch_code",
    "被仕向支店名": "branch_name",
    "預金種目": "account_kind",
    "口座番号": "account_number",
    "受取人名": "payee_name",
    "振込金額": "amount",
    "新規コード": "new_code",
    "顧客コード1": "customer_code_1",
    "振込指定区分": "transfer_kind",
    "EDI情報": "edi",
}
SENDER_FIELDS = {
    "委託者コード": "sender_code",
    "委託者名": "sender_name",
    "振込指定日": "transfer_date",
    "仕向銀行番号": "bank_code",
    "仕向銀行名": "bank_name",
    "仕向支店番号": "branch_code",
    "仕向支店名": "branch_name",
    "預金種目": "account_kind",
    "口座番号": "account_number",
}


def transfer(row: dict[str, Any]) -> Transfer:
    values = {"bank_name": "", "branch_name": ""}
    values |= {TRANSFER_FIELDS[name]: value for name, value in row.items() if name in TRANSFER_FIELDS}
    return Transfer(**values)


def sender(row: dict[str, Any]) -> Sender:
    values = {field.name: "" for field in fields(Sender)}
    return Sender(**values | {SENDER_FIELDS[name]: value for name, value in row.items()})


@pytest.mark.parametrize("case", vector_cases("zengin_name"), ids=case_id)
def test_name_vector(case: dict[str, Any]) -> None:
    text, name_class = case["input"]["text"], case["input"]["class"]
    if isinstance(case["expected"], dict):
        with pytest.raises(ZenginNameError, match="文字目"):
            convert(text, name_class)
    else:
        converted = convert(text, name_class)
        assert converted == case["expected"]
        assert converted.encode("cp932").hex() == case["hex"]


@pytest.mark.parametrize("case", vector_cases("zengin_data_record"), ids=case_id)
def test_data_record_vector(case: dict[str, Any]) -> None:
    if isinstance(case["expected"], dict):
        field = case["expected"]["error"].split()[0]
        with pytest.raises(ZenginError, match=field):
            data_record(transfer(case["input"]))
    else:
        record = data_record(transfer(case["input"]))
        assert record == case["expected"]
        assert record.encode("cp932").hex() == case["hex"]


@pytest.mark.parametrize("case", vector_cases("zengin_file"), ids=case_id)
def test_file_vector(case: dict[str, Any]) -> None:
    given_case, expected = case["input"], case["expected"]
    rows = [transfer(row) for row in given_case["rows"]]
    if "error" in expected:
        with pytest.raises(ZenginError, match="振込"):
            file_bytes(sender(given_case["header"]), rows)
        return
    dialect = Dialect(newline=given_case["newline"], eof=given_case["eof"])
    assert records(sender(given_case["header"]), rows, dialect) == expected["records"]
    content = file_bytes(sender(given_case["header"]), rows, dialect)
    assert len(content) == expected["length"]
    assert hashlib.sha256(content).hexdigest() == expected["sha256"]
    assert len(rows) == expected["count"]
    assert sum(row.amount for row in rows) == expected["total"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ミュラー　ジョー", "ﾐﾕﾗ- ｼﾞﾖ-"),
        ("ひらがな じろう", "ﾋﾗｶﾞﾅ ｼﾞﾛｳ"),
        (" john   smith ", "JOHN SMITH"),
        ("ヴァン・ダイク", "ｳﾞｱﾝ.ﾀﾞｲｸ"),
        ("ﾊﾝｶｸ ｶﾅ", "ﾊﾝｶｸ ｶﾅ"),
        ("ア‐イ–ウ—エ―オ−カ－キｰク", "ｱ-ｲ-ｳ-ｴ-ｵ-ｶ-ｷ-ｸ"),
        ("ヵヶヮゎ", "ｶｹﾜﾜ"),
    ],
)
def test_a_name_is_normalised_before_it_is_judged(text: str, expected: str) -> None:
    assert convert(text, PARTY) == expected


@pytest.mark.parametrize(
    ("text", "position"),
    [("ヤマダ太郎", 4), ("アﾞイ", 2), ("ワﾞ", 2), ("ヤマダ\tタロウ", 4), ("㌔ヲ", 2), ("ヱビス", 1)],
)
def test_a_refusal_names_the_position_in_the_text_as_given(text: str, position: int) -> None:
    with pytest.raises(ZenginNameError, match=f"^{position}文字目") as refused:
        convert(text, PARTY)
    assert refused.value.position == position


def test_wo_is_refused_unless_the_bank_allows_it() -> None:
    assert account_name_problem("ヲトメ", 30) == "1文字目の「ヲ」は銀行のファイルで使えません"
    assert account_name_problem("ヲトメ", 30, wo_allowed=True) is None
    assert convert("ヲトメ", PARTY, wo_allowed=True) == "ｦﾄﾒ"
    assert convert("ヲトメ", EDI) == "ｦﾄﾒ"


def test_thirty_bytes_fit_and_thirty_one_do_not() -> None:
    assert account_name_problem("ガ" * 15, 30) is None
    assert account_name_problem("ガ" * 15 + "ア", 30) == "変換後の長さが31バイトで、30バイトを超えています"


def test_signs_belong_to_their_field_class() -> None:
    assert convert("カ）ア．イ", PARTY) == "ｶ)ｱ.ｲ"
    assert convert("「ア」/￥", EDI) == "｢ｱ｣/\\"
    with pytest.raises(ZenginNameError):
        convert("カ）ア", BANK)


def test_a_bank_name_the_file_cannot_hold_is_blank() -> None:
    assert informational_name("ミズホ", 15) == "ﾐｽﾞﾎ"
    assert informational_name("エー．ビー", 15) == ""
    assert informational_name("ア" * 16, 15) == ""


def test_a_savings_account_of_the_sender_is_other() -> None:
    assert [sender_account_code(kind) for kind in ("普通", "当座", "貯蓄")] == ["1", "2", "9"]


def test_a_file_may_have_no_line_ends_at_all() -> None:
    case = vector_cases("zengin_file")[0]["input"]
    content = file_bytes(sender(case["header"]), [transfer(row) for row in case["rows"]], Dialect(newline=""))
    assert len(content) == 5 * 120


kana_text = st.text(
    alphabet=st.characters(min_codepoint=0x20, max_codepoint=0xFFFF, exclude_categories=["Cs"])
)


@given(kana_text)
def test_what_is_converted_is_single_byte_and_converts_to_itself(text: str) -> None:
    try:
        converted = convert(text, PARTY)
    except ZenginNameError:
        return
    assert len(converted.encode("cp932")) == len(converted)
    assert convert(converted, PARTY) == converted


@given(kana_text.map(lambda text: text + "漢"))
def test_a_refusal_points_into_the_text(text: str) -> None:
    with pytest.raises(ZenginNameError) as refused:
        convert(text, PARTY)
    assert 1 <= refused.value.position <= len(text)


@pytest.mark.parametrize("case", vector_cases("yucho"), ids=case_id)
def test_yucho_vector(case: dict[str, Any]) -> None:
    given_case = dict(case["input"])
    if given_case.pop("ask", "") == "check digit":
        assert yucho.check_digit(given_case["kigo"], given_case["bango"]) == case["expected"]
    elif "error" in case["expected"]:
        with pytest.raises(yucho.YuchoError, match="番号"):
            yucho.convert(**given_case)
    else:
        account = yucho.convert(**given_case)
        assert {name: getattr(account, name) for name in case["expected"]} == case["expected"]


def test_a_yucho_savings_account_is_of_kind_four_and_its_branch_has_a_kana_name() -> None:
    account = yucho.convert("14030", "12345671", savings=True)
    assert (account.type, account.branch_kana) == ("4", "ヨンゼロハチ")
