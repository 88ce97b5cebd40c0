"""Two entries of one person: compared, merged once, with both histories and nothing paid rewritten."""

import datetime as dt
import time

import pytest
from desk import browser, stage, strangers, text_of
from django.db import IntegrityError, transaction
from django.test import Client
from stage import Stage

from core import clock
from core.agreements.models import TextCode
from core.agreements.services import agree, current_text
from core.audit.acting import SYSTEM, acting
from core.audit.models import Change
from core.errors import DomainError, NotAllowed
from experts.accounts import create_tied_user
from experts.appointment.models import Appointment, Round
from experts.changes.entry import values_of
from experts.changes.services import enter_request, refuse_change
from experts.changes.services import seen_token as request_token
from experts.merging import ACT, kept_of, merge_experts, obstacles, seen_token
from experts.models import Expert, Merge
from experts.renewal.models import Ask, Campaign
from experts.standing import restore_registration

__all__ = ["stage"]


def register(code: str, **values: object) -> Expert:
    """Another entry, of the same person unless told otherwise, with an account of its own."""
    first = Expert.objects.get(code="E1")
    with acting(SYSTEM, "test"):
        made = Expert.objects.create(
            **{
                "code": code,
                "name": first.name,
                "phone": "090-0000-1111",
                "prefecture_code": "13",
                "address": "東京都千代田区見本9-9",
                "email": f"{code.lower()}@example.jp",
                "recommended_by": first.recommended_by,
                "requirement": "資格",
                "qualifications": ["中小企業診断士"],
                "bank_code": "0001",
                "branch_code": "001",
                "account_type": "普通",
                "account_number": "7777777",
                "account_holder_kana": "ミホン",
                "payee_class": first.payee_class,
                **values,
            }
        )
    create_tied_user(username=code, role="expert", email=made.email, expert=code, actor=SYSTEM)
    return Expert.objects.get(pk=made.pk)


@pytest.fixture
def double(stage: Stage) -> Expert:
    return register("E000777", affiliated_codes=["K1"], subsidised_labour=True)


@pytest.fixture
def client(stage: Stage) -> Client:
    found = browser(stage.approver)
    session = found.session
    session["confirmed_at"] = time.time()
    session.save()
    return found


def kept() -> Expert:
    return Expert.objects.get(code="E1")


def merge(stage: Stage, double: Expert, *take: str, **values: object) -> Merge:
    given = {"reason": "本人に確認した", "seen": "", **values}
    return merge_experts(kept=kept(), double=double, take=take, actor=stage.approver, **given)  # type: ignore[arg-type]


def test_the_double_ends_and_what_was_chosen_goes_over(stage: Stage, double: Expert) -> None:
    account = kept().account_number
    merge(stage, double, "phone", "qualifications")
    stays, ends = kept(), Expert.objects.get(pk=double.pk)
    assert (stays.phone, stays.qualifications) == ("090-0000-1111", ["中小企業診断士"])
    assert stays.address != ends.address and stays.account_number == account
    # what may forbid a payment is never lost
    assert "K1" in stays.affiliated_codes and stays.subsidised_labour
    assert ends.valid_until == clock.today() - dt.timedelta(days=1)
    assert "E1 に統合" in ends.ended_reason
    assert ends.user is not None and not ends.user.is_active
    assert kept_of(ends) == stays and kept_of(stays) == stays
    tables = set(Change.objects.filter(action=ACT).values_list("table", flat=True))
    assert {"experts_expert", "experts_merge"} <= tables


def test_nothing_is_merged_twice_nor_restored(stage: Stage, double: Expert) -> None:
    merge(stage, double)
    with pytest.raises(DomainError, match="既に E1 に統合されています"):
        merge(stage, double)
    other = register("E000778")
    with pytest.raises(DomainError, match="既に E1 に統合されています"):
        merge_experts(kept=double, double=other, take=(), reason="x", actor=stage.approver)
    with pytest.raises(DomainError, match="統合されたため、戻せません"):
        restore_registration(expert=double, reason="誤り", actor=stage.approver)
    with pytest.raises(IntegrityError), transaction.atomic(), acting(SYSTEM, "test"):
        Merge.objects.create(double=double, kept=other, reason="x", by=stage.approver)


def test_open_dispatches_of_the_double_refuse_and_name_themselves(stage: Stage, double: Expert) -> None:
    dispatch = stage.applied()
    with pytest.raises(DomainError, match=dispatch.number):
        merge_experts(kept=double, double=kept(), take=(), reason="x", actor=stage.approver)
    assert not Merge.objects.exists() and kept().valid_until is None


def test_an_open_request_to_change_either_entry_refuses(stage: Stage, double: Expert) -> None:
    entry = values_of(double, "expertise")
    request = enter_request(
        expert=double,
        kind="expertise",
        entry={**entry, "topics": ["資金繰り"]},
        reason="追加",
        source="letter",
        source_note="7月1日着の変更届",
        key="k",
        actor=stage.operator,
    )
    for goes_on, ends in ((kept(), double), (double, kept())):
        with pytest.raises(DomainError, match=request.number):
            merge_experts(kept=goes_on, double=ends, take=(), reason="x", actor=stage.approver)
    refuse_change(
        request=request, reason="二重登録", seen=request_token(request, double), actor=stage.operator
    )
    assert merge(stage, double).double == double


def appoint(stage: Stage, code: str, year: int, state: str) -> None:
    with acting(SYSTEM, "test"):
        round_, _ = Round.objects.get_or_create(fiscal_year=year, defaults={"first_day": dt.date(year, 4, 1)})
        agreement = None
        if state not in ("offered", "declined"):
            expert = Expert.objects.get(code=code)
            text = current_text(TextCode.APPOINTMENT_TERMS)
            agreement = agree(
                text=text, subject=f"appointment:{code}:{year}", name=expert.name, actor=SYSTEM, address=None
            )
        Appointment.objects.create(
            round=round_,
            expert=Expert.objects.get(code=code),
            state=state,
            first_day=round_.first_day,
            offered_at=clock.now(),
            agreement=agreement,
        )


@pytest.mark.parametrize(
    ("of_kept", "of_double", "year", "refuses"),
    [
        ("offered", "accepted", 2021, True),
        ("", "agreed", 2021, True),
        ("accepted", "agreed", 2021, False),
        ("accepted", "offered", 2021, False),
        ("", "accepted", 2020, False),
    ],
)
def test_an_appointment_of_the_double_alone_refuses(
    stage: Stage, double: Expert, of_kept: str, of_double: str, year: int, refuses: bool
) -> None:
    appoint(stage, double.code, year, of_double)
    if of_kept:
        appoint(stage, "E1", year, of_kept)
    found = obstacles(kept(), double)
    assert ["2021年度の委嘱" in why for why in found] == ([True] if refuses else [])
    if refuses:
        assert "入れ替えて" in found[0]
        assert obstacles(double, kept()) == []


@pytest.mark.parametrize(
    ("of_kept", "of_double", "exempt", "refuses"),
    [
        ("", "renew", "", True),
        ("renew", "decline", "", True),
        ("", "", "病気療養中", True),
        ("renew", "", "病気療養中", False),
        ("decline", "decline", "", False),
        ("renew", "", "", False),
        (None, "renew", "", False),
    ],
)
def test_an_answer_to_the_renewal_under_the_double_alone_refuses(
    stage: Stage, double: Expert, of_kept: str | None, of_double: str, exempt: str, refuses: bool
) -> None:
    with acting(SYSTEM, "test"):
        campaign = Campaign.objects.create(
            fiscal_year=2021, answer_by=dt.date(2022, 2, 28), state="asking", prepared_by=stage.operator
        )
        for expert, answer in ((kept(), of_kept), (double, of_double)):
            if answer is None:
                continue
            given = {"answer": answer, "answered_at": clock.now(), "source": "page"} if answer else {}
            if answer == "decline":
                given["reason"] = "転居"
            if exempt and expert == double:
                given |= {"exempt_reason": exempt, "exempt_by": stage.operator}
            Ask.objects.create(campaign=campaign, expert=expert, **given)
    found = obstacles(kept(), double)
    assert bool(found) == refuses
    if refuses:
        assert "E000777 は" in found[0]
        assert "登録の更新" in found[0]


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"reason": "  "}, "統合の理由"),
        ({"reason": "長" * 201}, "200文字以内"),
        ({"seen": "old"}, "画面を開いた後に"),
    ],
)
def test_refusals_say_what_to_do(stage: Stage, double: Expert, values: dict[str, str], why: str) -> None:
    with pytest.raises(DomainError, match=why):
        merge(stage, double, **values)
    assert not Merge.objects.exists()


def test_only_known_choices_two_entries_and_the_approver(stage: Stage, double: Expert) -> None:
    with pytest.raises(DomainError, match="選べない項目"):
        merge(stage, double, "account_number")
    with pytest.raises(DomainError, match="同じ登録どうし"):
        merge(stage, kept())
    with pytest.raises(NotAllowed, match="承認者"):
        merge_experts(kept=kept(), double=double, take=(), reason="x", actor=stage.operator)


def test_the_screen_finds_compares_merges_and_links_both(client: Client, double: Expert) -> None:
    with acting(SYSTEM, "test"):
        Expert.objects.filter(code="E1").update(phone="090-0000-1111")
    assert "E000777" in text_of(client.get("/office/experts/E1/merge/"))
    assert "見つかりません" in text_of(client.get("/office/experts/E1/merge/?double=E1"))
    page = "/office/experts/E1/merge/?double=E000777"
    html = text_of(client.get(page))
    assert double.address in html and kept().address in html
    values = {
        f"take-{name}": "kept"
        for name in ("name", "address", "phone", "email", "requirement", "qualifications", "topics")
    } | {"take-industries": "kept", "take-base": "kept", "take-recommended_by": "kept"}
    values |= {"seen": seen_token(kept(), double), "reason": "本人に確認した"}
    assert "チェックを入れてください" in text_of(client.post(page, values))
    values["confirmed"] = "on"
    done = text_of(client.post(page, values | {"take-address": "double"}, follow=True))
    assert "E000777 を E1 に統合しました" in done and "同じ人の登録" in done
    assert kept().address == double.address
    assert "に統合されました" in text_of(client.get("/office/experts/E000777/"))
    # the second tab
    assert "既に E1 に統合されています" in text_of(client.post(page, values))
    assert Merge.objects.count() == 1


def test_nobody_but_the_approver_opens_the_screen(stage: Stage) -> None:
    for user in (*strangers(stage), stage.operator):
        assert browser(user).get("/office/experts/E1/merge/").status_code in (302, 403)
