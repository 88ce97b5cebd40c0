"""The page of the own keys to the API: made once, shown once, revoked; one's own only."""

import re
import time
from typing import Any

import pytest
from django.test import Client

from accounts.models import Role
from accounts.services import create_user
from core.audit.acting import SYSTEM
from core.audit.models import Change
from core.errors import DomainError
from core.notify.models import Mail
from portal_expert.models import ApiToken
from portal_expert.tokens import holder_of, issue_token, revoke_token

URL = "/expert/tokens/"
LOCAL = "127.0.0.1"


@pytest.fixture
def phone(cast: Any) -> Client:
    """e1, who has just given the password."""
    client = Client()
    client.force_login(cast.expert)
    session = client.session
    session["confirmed_at"] = time.time()
    session.save()
    return client


def test_a_key_is_shown_once_and_works(cast: Any, phone: Client) -> None:
    answer = phone.post(URL, {"name": "会計", "days": "30"})
    text = re.search(r"dsp_[\w-]+", answer.content.decode())
    assert text
    assert holder_of(text.group(0), LOCAL) == cast.expert
    assert "no-store" in answer["Cache-Control"]
    again = phone.get(URL).content.decode()
    assert "会計" in again
    assert "dsp_" not in again


def test_the_second_press_makes_no_second_key(phone: Client) -> None:
    phone.post(URL, {"name": "会計", "days": "30"})
    answer = phone.post(URL, {"name": "会計 ", "days": "30"}).content.decode()
    assert "という名前の有効なトークンがあります" in answer
    assert ApiToken.objects.count() == 1


def test_whoever_has_not_lately_given_a_password_does_so_first(cast: Any) -> None:
    client = Client()
    client.force_login(cast.expert)
    session = client.session
    session.pop("confirmed_at", None)
    session.save()
    answer = client.post(URL, {"name": "会計", "days": "30"})
    assert answer.status_code == 302
    assert "next=%2Fexpert%2Ftokens%2F" in answer["Location"]
    assert not ApiToken.objects.exists()


@pytest.mark.parametrize(
    ("name", "days"), [("", "30"), ("会計", "0"), ("会計", "366"), ("会計", "x"), ("長" * 101, "1")]
)
def test_what_is_typed_wrongly_stays_and_is_explained(phone: Client, name: str, days: str) -> None:
    answer = phone.post(URL, {"name": name, "days": days}).content.decode()
    assert f'value="{days}"' in answer
    assert "error-summary" in answer
    assert not ApiToken.objects.exists()


def test_a_revoked_key_opens_nothing(cast: Any, phone: Client) -> None:
    token, text = issue_token(user=cast.expert, name="会計", days=30, actor=cast.expert)
    for _ in range(2):
        assert phone.post(f"{URL}{token.pk}/revoke/").status_code == 302
    assert holder_of(text, LOCAL) is None
    assert "失効" in phone.get(URL).content.decode()


def test_the_keys_of_others_are_not_there(cast: Any, phone: Client) -> None:
    token, text = issue_token(user=cast.other, name="別の会計", days=30, actor=SYSTEM)
    assert "別の会計" not in phone.get(URL).content.decode()
    assert phone.post(f"{URL}{token.pk}/revoke/").status_code == 404
    with pytest.raises(ApiToken.DoesNotExist):
        revoke_token(token=token, actor=cast.expert)
    assert holder_of(text, LOCAL) == cast.other


def test_an_administrator_ends_the_key_of_another_with_a_reason_and_the_holder_is_told(cast: Any) -> None:
    cast.expert.email = "e1@example.jp"
    cast.expert.save()
    token, text = issue_token(user=cast.expert, name="会計", days=30, actor=cast.expert)
    admin = create_user(username="kanri", role=Role.OFFICE_ADMIN, password="tsubame-119-haken", actor=SYSTEM)
    client = Client()
    client.force_login(admin)
    session = client.session
    session["confirmed_at"] = time.time()
    session.save()
    person = f"/office/people/{cast.expert.pk}/"
    page = f"{person}api-tokens/{token.pk}/"
    assert page in client.get(person).content.decode()
    assert client.get(f"/office/people/{admin.pk}/api-tokens/{token.pk}/").status_code == 404
    refused = client.post(page, {"reason": ""})
    assert "error-summary" in refused.content.decode()
    assert holder_of(text, LOCAL) == cast.expert
    with pytest.raises(DomainError, match="理由"):
        revoke_token(token=token, actor=admin)
    assert client.post(page, {"reason": "端末の紛失"}).status_code == 302
    assert holder_of(text, LOCAL) is None
    assert Change.objects.filter(action="revoke_api_token", reason="端末の紛失", actor_id=admin.pk).exists()
    # again, nothing happens and nobody is told twice
    assert client.post(page, {"reason": "端末の紛失"}).status_code == 302
    revoke_token(token=token, actor=admin, reason="もう一度")
    assert [mail.to for mail in Mail.objects.all()] == ["e1@example.jp"]
