"""Every finding code but the evidence, on both sides of its boundary (rules.md §5)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from rule_facts import CUTOFF, END, R3, START, codes, event, findings, payee, rules_with, travel_line, visit

from rules.findings import CHECKS, check

SECOND = timedelta(seconds=1)
TEN_MINUTES = timedelta(minutes=10)


def test_a_visit_with_everything_in_order_has_no_finding() -> None:
    assert codes(visit()) == set()


def test_the_register_holds_each_code_of_the_rules_once_in_order() -> None:
    listed = [entry.code for entry in CHECKS]
    assert listed == sorted(listed)
    assert set(listed) == {
        *("E01", "E02", "E03", "E04", "E05", "P01", "P02", "P03", "P04", "P05"),
        *("X01", "X02", "X03", "X04", "X05", "X06", "M01", "L01", "L02", "L03"),
        *("T01", "T02", "T03", "T04", "T05", "T06", "T07", "B01", "B02"),
    }
    assert len(listed) == len(set(listed))
    assert all(entry.title for entry in CHECKS)


# P01–P05


@pytest.mark.parametrize(
    ("code", "field"), [("P01", "report_at"), ("P02", "attested_at"), ("P03", "approved_at")]
)
def test_p01_to_p03_something_is_missing(code: str, field: str) -> None:
    found = findings(visit(**{field: None}))
    assert set(found) == {code}
    assert found[code].kind == "未了"


def test_p03_an_approval_must_be_before_the_cut_off() -> None:
    assert codes(visit(approved_at=CUTOFF - SECOND)) == set()
    assert codes(visit(approved_at=CUTOFF)) == {"P03"}
    assert "締切" in findings(visit(approved_at=CUTOFF))["P03"].reason


def test_p03_without_a_cut_off_any_approval_will_do() -> None:
    assert findings(visit(approved_at=CUTOFF + timedelta(days=300)), cutoff=None) == {}
    assert set(findings(visit(approved_at=None), cutoff=None)) == {"P03"}


def test_p04_alone_without_a_reason() -> None:
    alone: dict[str, Any] = {"accompanied": False, "accompanied_from": None, "accompanied_to": None}
    assert codes(visit(**alone)) == {"P04"}
    assert codes(visit(**alone, no_accompaniment_reason="人員不足")) == set()


@pytest.mark.parametrize(
    ("began", "ended", "held"),
    [
        (None, END, True),
        (START, None, True),
        (END, START, True),
        (START, START, True),
        (START - TEN_MINUTES, START, True),
        (END, END + TEN_MINUTES, True),
        (START - TEN_MINUTES, START + timedelta(minutes=1), False),
        (END - timedelta(minutes=1), END + TEN_MINUTES, False),
    ],
)
def test_p05_accompaniment_overlaps_the_visit(
    began: datetime | None, ended: datetime | None, held: bool
) -> None:
    made = visit(accompanied_from=began, accompanied_to=ended)
    assert codes(made) == ({"P05"} if held else set())


# X01–X06, M01


def test_x01_subsidised_labour() -> None:
    assert codes(visit(), payee(subsidised_labour=True)) == {"X01"}


def test_x02_paid_by_the_institution() -> None:
    assert codes(visit(paid_by_institution=True)) == {"X02"}


@pytest.mark.parametrize(
    ("kind", "excluded"),
    [
        ("商工会", False),
        ("商工会議所", False),
        ("中央会", False),
        ("商店街振興組合連合会", False),
        ("認定金融機関", True),
        ("よろず支援拠点", True),
    ],
)
def test_x03_own_institution_unless_of_an_exempt_kind(kind: str, excluded: bool) -> None:
    member = payee(affiliated_codes=frozenset({"K00002", "K00001"}))
    assert codes(visit(institution_kind=kind), member) == ({"X03"} if excluded else set())


def test_x03_another_institution_is_no_reason() -> None:
    assert codes(visit(), payee(affiliated_codes=frozenset({"K00002"}))) == set()


def test_x04_requested_by_the_expert() -> None:
    assert codes(visit(requested_by_expert=True)) == {"X04"}


def test_x05_web_without_prior_approval() -> None:
    assert codes(visit(method="WEB")) == {"X05"}
    assert codes(visit(method="WEB", web_approved=True)) == set()
    assert codes(visit(method="WEB"), rules=rules_with(web_without_approval="payable")) == set()


def test_x06_and_m01_the_decision_of_the_office() -> None:
    excluded = findings(visit(office_decision="対象外", office_reason="虚偽の報告"))
    assert set(excluded) == {"X06"}
    assert "虚偽の報告" in excluded["X06"].reason
    held = findings(visit(office_decision="保留", office_reason="確認中"))
    assert set(held) == {"M01"}
    assert (held["M01"].kind, "確認中" in held["M01"].reason) == ("保留", True)


def test_x_codes_hide_all_others_and_are_all_shown() -> None:
    made = visit(events=(), report_at=None, requested_by_expert=True, paid_by_institution=True)
    assert codes(made) == {"X02", "X04"}
    assert {finding.kind for finding in findings(made).values()} == {"対象外"}


# L01–L03


def test_l01_beyond_the_limit_of_the_client() -> None:
    assert codes(visit(client_ordinal=3)) == set()
    assert codes(visit(client_ordinal=4)) == {"L01"}
    assert codes(visit(client_ordinal=4, limit_exception=True)) == set()


def test_l01_the_limit_may_differ_by_topic() -> None:
    rules = rules_with(client_limit_by_topic={"IT活用": 5})
    assert codes(visit(client_ordinal=5), rules=rules) == set()
    assert codes(visit(client_ordinal=6), rules=rules) == {"L01"}
    assert codes(visit(client_ordinal=4, topic="創業"), rules=rules) == {"L01"}


@pytest.mark.parametrize(
    ("start", "held"),
    [
        (datetime(2021, 4, 1, 0, 0), False),
        (datetime(2022, 2, 28, 23, 0), False),
        (datetime(2022, 3, 1, 0, 0), True),
        (datetime(2022, 3, 31, 9, 0), True),
        (datetime(2024, 2, 29, 9, 0), False),
    ],
)
def test_l02_the_dispatch_period_ends_with_february(start: datetime, held: bool) -> None:
    made = visit(start=start, end=start + timedelta(minutes=30))
    end = start + timedelta(minutes=30)
    made = replace(made, events=(event("開始", start), event("終了", end)))
    found = check(made, payee(), R3, None)
    assert [finding.code for finding in found] == (["L02"] if held else [])


def test_l02_without_a_rule_set_is_the_only_finding() -> None:
    found = findings(visit(events=(), report_at=None), payee(bank_known=False), rules=None)
    assert set(found) == {"L02"}
    assert found["L02"].reason == "実施日に有効な規程がありません"


def test_l02_without_a_rule_set_x_codes_still_come_first() -> None:
    assert codes(visit(requested_by_expert=True), rules=None) == {"X04"}
    member = payee(affiliated_codes=frozenset({"K00001"}))
    assert codes(visit(institution_kind="商工会"), member, rules=None) == {"L02"}
    assert codes(visit(institution_kind="認定大学"), member, rules=None) == {"X03"}


def test_l03_names_the_overlapping_dispatches() -> None:
    found = findings(visit(overlaps=("D00003", "D00002")))
    assert set(found) == {"L03"}
    assert found["L03"].actual == "D00002、D00003 と重複"


# T and B


def test_t_codes_come_from_the_travel_kinds_and_name_their_lines() -> None:
    lines = (
        travel_line("タクシー", 2340, 1),
        travel_line("タクシー", 740, 2, no_public_transport=True),
        travel_line("私有車", 900, 3, km=Decimal(20)),
    )
    found = findings(visit(travel_lines=lines))
    assert set(found) == {"T02", "T03", "T07"}
    assert found["T02"].reason == "1行目のタクシーに領収書がありません／2行目のタクシーに領収書がありません"
    assert found["T02"].expected == "領収書 有"
    assert found["T03"].actual == "1行目のタクシー: 公共交通機関なし 無"


def test_t01_t04_t05_and_t06_each_hold() -> None:
    assert codes(visit(travel_lines=(travel_line("航空", 1, receipt=True),))) == {"T01"}
    assert codes(visit(travel_lines=(travel_line("宿泊", 1, receipt=True),))) == {"T04"}
    assert codes(visit(travel_lines=(travel_line("船", 1, seat="上位席"),))) == {"T05"}
    rental = travel_line("レンタカー", 1, receipt=True, no_public_transport=True)
    assert codes(visit(travel_lines=(rental,))) == {"T06"}
    assert codes(visit(travel_lines=(travel_line("鉄道", 1), travel_line("バス", 1)))) == set()


def test_b01_bank_or_branch_not_in_the_master() -> None:
    assert codes(visit(), payee(bank_known=False, branch_known=False)) == {"B01"}
    found = findings(visit(), payee(branch_known=False))
    assert set(found) == {"B01"}
    assert found["B01"].reason == "支店コードが銀行マスターにありません"


@pytest.mark.parametrize(
    ("kana", "held"),
    [
        ("ヨシダ タロウ", False),
        ("漢字 名義", True),
        ("ヲトメ", True),
        ("アﾞイ", True),
        ("ガ" * 15, False),
        ("ガ" * 15 + "ア", True),
        ("　", True),
    ],
)
def test_b02_the_account_name_must_fit_the_bank_file(kana: str, held: bool) -> None:
    assert codes(visit(), payee(account_name_kana=kana)) == ({"B02"} if held else set())


def test_b02_wo_may_be_allowed() -> None:
    rules = rules_with(account_name_wo_allowed=True)
    assert codes(visit(), payee(account_name_kana="ヲトメ"), rules=rules) == set()


def test_holds_of_all_kinds_are_shown_together_once_per_code() -> None:
    made = visit(events=(), report_at=None, attested_at=None, approved_at=None, client_ordinal=9)
    found = check(made, payee(bank_known=False), R3, CUTOFF)
    assert [finding.code for finding in found] == ["B01", "E01", "E02", "L01", "P01", "P02", "P03"]
