"""Texts in versions: published for later days, agreed to once, never changed."""

import datetime as dt
from typing import Any

import pytest
from django.db import DatabaseError, transaction

from accounts.models import Role
from accounts.services import create_user
from core import clock
from core.agreements.layout import Block, blocks
from core.agreements.models import Agreement, TextCode, TextVersion
from core.agreements.selectors import agreed_subjects, agreements_of
from core.agreements.services import agree, checksum, current_text, publish_text, shown_text
from core.audit.acting import SYSTEM
from core.errors import DomainError, FieldErrors

pytestmark = pytest.mark.django_db
TERMS = TextCode.EXPERT_TERMS


def published(version: str = "2027-1", days: int = 1, **more: Any) -> TextVersion:
    given = {"title": "規約", "body": "新しい本文", "actor": SYSTEM, **more}
    return publish_text(
        code=TERMS, version=version, valid_from=clock.today() + dt.timedelta(days=days), **given
    )


def test_every_text_has_a_first_version() -> None:
    for code in TextCode:
        text = current_text(code)
        assert text.blocks != []
        assert text.sha256 == checksum(text.code, text.version, text.title, text.body)


def test_a_new_version_is_asked_with_from_its_day() -> None:
    new = published(days=3)
    assert current_text(TERMS).version == "2021-1"
    assert current_text(TERMS, clock.today() + dt.timedelta(days=2)).version == "2021-1"
    assert current_text(TERMS, clock.today() + dt.timedelta(days=3)) == new


def test_what_was_shown_must_be_what_is_in_force() -> None:
    assert shown_text(TERMS, "2021-1").version == "2021-1"
    published(days=0)
    with pytest.raises(DomainError, match="新しくなりました") as refusal:
        shown_text(TERMS, "2021-1")
    assert refusal.value.code == "newer_text"


def test_a_text_of_the_time_before_any_is_told() -> None:
    with pytest.raises(DomainError, match="まだ登録されていません"):
        current_text(TERMS, dt.date(2020, 1, 1))


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"version": "第二版"}, "version"),
        ({"version": "2021-1"}, "version"),
        ({"days": -1}, "valid_from"),
        ({"title": " "}, "title"),
        ({"title": "あ" * 101}, "title"),
        ({"body": "\r\n"}, "body"),
        ({"body": "あ" * 50_001}, "body"),
    ],
)
def test_what_cannot_be_published_is_said_beside_the_field(more: dict[str, Any], field: str) -> None:
    with pytest.raises(FieldErrors) as refusal:
        published(**more)
    assert list(refusal.value.by_field) == [field]
    assert TextVersion.objects.filter(code=TERMS).count() == 1


def test_no_version_begins_before_another_or_says_the_same() -> None:
    first = published(days=5)
    with pytest.raises(FieldErrors, match="より後"):
        published("2027-2", days=5, body="さらに新しい")
    with pytest.raises(FieldErrors, match="同じ内容"):
        published("2027-2", days=6, body=first.body)


def test_only_the_administrator_publishes() -> None:
    operator = create_user(username="op", role=Role.OFFICE_OPERATOR, actor=SYSTEM)
    admin = create_user(username="ad", role=Role.OFFICE_ADMIN, actor=SYSTEM)
    with pytest.raises(DomainError, match="管理者"):
        published(actor=operator)
    assert published(actor=admin).published_by == admin


def test_a_yes_is_kept_once_with_its_version() -> None:
    text = current_text(TERMS)
    first = agree(text=text, subject="expert:E1", name=" 吉田 太郎 ", actor=SYSTEM, address="192.0.2.1")
    again = agree(text=text, subject="expert:E1", name="別の名", actor=SYSTEM)
    assert again == first
    newer = published(days=0)
    agree(text=newer, subject="expert:E1", name="吉田 太郎", actor=SYSTEM)
    assert [(row.text.version, row.name, row.address) for row in agreements_of("expert:E1")] == [
        ("2027-1", "吉田 太郎", None),
        ("2021-1", "吉田 太郎", "192.0.2.1"),
    ]
    assert agreed_subjects(["expert:E1", "expert:E2"], newer.pk) == {"expert:E1"}
    with pytest.raises(DomainError, match="氏名"):
        agree(text=text, subject="expert:E2", name=" ", actor=SYSTEM)


def test_the_database_changes_neither_texts_nor_agreements() -> None:
    text = current_text(TERMS)
    agree(text=text, subject="expert:E1", name="吉田 太郎", actor=SYSTEM)
    for rows, change in ((TextVersion.objects.filter(pk=text.pk), "body"), (Agreement.objects.all(), "name")):
        with pytest.raises(DatabaseError), transaction.atomic():
            rows.update(**{change: "変えた"})
        with pytest.raises(DatabaseError), transaction.atomic():
            rows.delete()


def test_lines_become_headings_paragraphs_and_lists() -> None:
    assert blocks("# 見出し\n本文の\n続き\n\n次の段落\n- 一つ\n- 二つ\n\n\n") == [
        Block("heading", ("見出し",)),
        Block("paragraph", ("本文の続き",)),
        Block("paragraph", ("次の段落",)),
        Block("list", ("一つ", "二つ")),
    ]
