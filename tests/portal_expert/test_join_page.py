"""Everybody may read how one becomes an expert and whom to ask; nothing about persons, nothing of bodies that may not be asked."""

import datetime as dt
import secrets
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from core import clock
from core.audit.acting import SYSTEM, acting
from institutions.models import Institution


@pytest.fixture(autouse=True)
def bodies(db: None, settings: Any) -> None:
    # a count of its own: other workers ask from the same address
    settings.CACHES = {"default": settings.CACHES["default"] | {"KEY_PREFIX": secrets.token_hex(8)}}
    yesterday = clock.today() - dt.timedelta(days=1)
    common: dict[str, Any] = {
        "prefecture_code": "13",
        "phone": "03-0000-0001",
        "email": "himitsu@example.jp",
        "address": "秘密町1",
    }
    with acting(SYSTEM, "story"):
        for code, name, kind, more in (
            ("J1", "髙島商工会", "商工会", {}),
            ("J2", "東京都よろず支援拠点", "よろず支援拠点", {"certified_until": clock.today()}),
            ("J3", "大阪商工会", "商工会", {"prefecture_code": "27"}),
            ("J4", "外れた商工会", "商工会", {"valid_until": yesterday}),
            ("J5", "切れた信金", "認定金融機関", {"certified_until": yesterday}),
            ("J6", "対象外の機関", "構成機関（派遣対象外）", {}),
        ):
            Institution.objects.create(code=code, name=name, kind=kind, **{**common, **more})


def text(path: str = "/join/") -> str:
    answer = Client().get(path)
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_the_page_says_who_how_and_whom_to_ask() -> None:
    page = text()
    for said in ("10年以上の実務経験", "期限は30日", "本人確認書類", "利用規約に同意", "03-0000-0001"):
        assert said in page, said
    assert page.index("東京都よろず支援拠点") < page.index("髙島商工会") < page.index("大阪商工会")
    assert "/join/" in str(Client().get("/sign-in/").content.decode())


def test_only_bodies_that_may_recommend_and_only_what_is_public() -> None:
    page = text()
    for hidden in ("外れた商工会", "切れた信金", "対象外の機関", "himitsu@example.jp", "秘密町1", "J1"):
        assert hidden not in page, hidden


def test_bodies_are_found_by_prefecture_and_by_name_however_written() -> None:
    assert "大阪商工会" not in text("/join/?prefecture=13")
    page = text("/join/?q=高島")
    assert "髙島商工会" in page and "大阪商工会" not in page
    assert "条件に合う機関はありません" in text("/join/?q=%3Cscript%3E&prefecture=99&page=x")


def test_the_list_is_one_query(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(1):
        text()
    with django_assert_num_queries(1):
        text("/join/?q=商工会&prefecture=13")


def test_searching_engines_may_find_it_and_one_address_has_an_end(settings: Any) -> None:
    answer = Client().get("/join/")
    assert answer.headers["X-Robots-Tag"] == "all" and b"noindex" not in answer.content
    assert Client().get("/sign-in/").headers["X-Robots-Tag"] == "noindex, nofollow"
    settings.JOIN_PAGES = 1
    assert Client().get("/join/").status_code == 429
    assert Client().post("/join/").status_code == 405
