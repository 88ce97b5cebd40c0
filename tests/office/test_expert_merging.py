"""Two entries of one person: compared, merged once, with both histories and nothing paid rewritten."""

import datetime as dt
import time

import pytest
from desk import browser, stage, strangers, text_of
from django.db import IntegrityError, transaction
from django.test import Client
from stage import Stage

from core import clock
from core.audit.acting import SYSTEM, acting
from core.audit.models import Change
from core.errors import DomainError, NotAllowed
from experts.accounts import create_tied_user
from experts.merging import ACT, kept_of, merge_experts, seen_token
from experts.models import Expert, Merge
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
