"""The account fields are answered while they are typed: offers, problems, the account as the bank reads it."""

import secrets
from typing import Any

import pytest
from django.test import Client

from experts.account_entry import check_account, meant_bank

ADDRESS = "/expert/profile/account/"
TYPED = {
    "bank_code": "みずほ銀行",
    "branch_code": "東京営業部",
    "account_type": "普通",
    "account_number": "７７７-6655",
    "account_holder_kana": "よしだ　たろう",
}


@pytest.fixture
def typing(cast: Any, settings: Any) -> Client:
    settings.MFA_REQUIRED = False
    # a count of its own: other workers ask from the same address
    settings.CACHES = {"default": settings.CACHES["default"] | {"KEY_PREFIX": secrets.token_hex(8)}}
    client = Client()
    client.force_login(cast.expert, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


def words(answer: dict[str, Any]) -> dict[str, str]:
    return {row["title"]: row["words"] for row in answer["account"]}


def test_banks_and_branches_are_offered_by_code_and_by_name(typing: Client) -> None:
    found = typing.post(ADDRESS, {"seek": "bank", "bank_code": "みずほ"}).json()["options"]
    assert found[0]["text"] == "0001 みずほ"
    found = typing.post(
        ADDRESS, {"seek": "branch", "bank_code": "0001 みずほ", "branch_code": "００１"}
    ).json()
    assert found["options"][0]["code"] == "001"
    nothing = typing.post(ADDRESS, {"seek": "bank", "bank_code": "存在しない銀行"}).json()
    assert nothing == {"options": [], "message": "当てはまる銀行がありません。"}
    first = typing.post(ADDRESS, {"seek": "branch", "bank_code": "", "branch_code": "東京"}).json()
    assert first["message"] == "先に銀行を選んでください。"


def test_an_account_is_shown_as_the_bank_file_has_it(typing: Client) -> None:
    answer = typing.post(ADDRESS, TYPED | {"account_holder_kana": "ヨシダ　タロウ"}).json()
    assert answer["ok"] and answer["problems"] == {}
    assert answer["bank"] == "0001 みずほ" and answer["branch"].startswith("001 ")
    assert words(answer)["口座番号"] == "7776655" and words(answer)["銀行に届く名義"] == "ﾖｼﾀﾞ ﾀﾛｳ"


def test_what_the_bank_would_refuse_is_said_of_its_field(typing: Client) -> None:
    typed = TYPED | {"bank_code": "銀行", "account_holder_kana": "吉田 太郎", "account_number": "12345678"}
    answer = typing.post(ADDRESS, typed).json()
    assert not answer["ok"]
    assert {"bank_code", "account_holder_kana", "account_number"} <= set(answer["problems"])
    assert "漢字" in answer["problems"]["account_holder_kana"][0]
    assert "口座番号" not in words(answer) and "銀行に届く名義" not in words(answer)


def test_another_persons_name_is_to_be_looked_at_again(typing: Client) -> None:
    answer = typing.post(ADDRESS, TYPED | {"account_holder_kana": "ヤマダ ハナコ"}).json()
    assert answer["ok"] and "氏名カナと違います" in answer["hints"]["account_holder_kana"][0]


def test_a_yucho_account_is_converted_before_it_is_sent(typing: Client) -> None:
    typed = {
        "yucho": "on",
        "yucho_kigo": "10140",
        "yucho_bango": "12345671",
        "account_holder_kana": "ヨシダ タロウ",
    }
    answer = typing.post(ADDRESS, typed).json()
    assert answer["ok"], answer
    assert words(answer)["口座番号"] == "1234567" and words(answer)["支店"].startswith("018 ")
    wrong = typing.post(ADDRESS, typed | {"yucho_kigo": "123"}).json()
    assert "5桁" in wrong["problems"]["yucho_kigo"][0]


def test_questions_come_by_post_and_have_an_end(typing: Client, settings: Any) -> None:
    assert typing.get(ADDRESS, TYPED).status_code == 405
    settings.ACCOUNT_QUESTIONS = 2
    answers = [typing.post(ADDRESS, TYPED) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert "このままできます" in answers[2].json()["message"]


def test_a_forged_page_is_not_answered(cast: Any) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(cast.expert, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert strict.post(ADDRESS, TYPED).status_code == 403


@pytest.mark.parametrize(
    ("bank", "branch"),
    [
        ("0001 みずほ", "001 東京営業部"),
        ("みずほ", "東京営業部"),
        ("０００１", "００１"),
        ("みずほ銀行", "001"),
    ],
)
def test_code_name_or_both_mean_the_same_branch(db: None, bank: str, branch: str) -> None:
    entered = check_account(
        bank_code=bank,
        branch_code=branch,
        account_type="普通",
        account_number="1",
        holder_kana="ヨシダ タロウ",
    )
    assert entered.ok and (entered.bank_code, entered.branch_code) == ("0001", "001")


def test_a_name_of_several_is_never_guessed(db: None) -> None:
    assert meant_bank("信金") is None and meant_bank("") is None
    entered = check_account(
        bank_code="東京",
        branch_code="",
        account_type="普通",
        account_number="1",
        holder_kana="ヨシダ タロウ",
    )
    assert "いくつかあります" in entered.problems["bank_code"] and entered.bank_name == ""
