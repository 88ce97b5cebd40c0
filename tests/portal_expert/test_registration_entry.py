"""/r/<token>/: what the invited person types is kept, judged at once, and shown to nobody without the link."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

sys.path.append(str(Path(__file__).resolve().parent.parent / "experts"))

import registration_story as story

from core import clock
from experts.registration.models import Registration, Submission
from experts.registration.services import TEXTS, registration_by_token, return_fields, withdraw

pytestmark = pytest.mark.django_db


@pytest.fixture
def people() -> story.People:
    return story.build()


@pytest.fixture
def browser() -> Client:
    return Client()


def form(revision: int = 0, **values: Any) -> dict[str, Any]:
    """A whole form as a browser sends it."""
    entered = {**story.entry(), **values}
    lines = {"qualifications": "\r\n".join(entered["qualifications"])}
    yes = {f"agreed_{code}": "on" for code in TEXTS} | {
        f"version_{code}": version for code, version in story.agreed().items()
    }
    return {**entered, **lines, **yes, "entry_revision": str(revision)}


def draft(browser: Client, token: str, values: dict[str, Any], revision: int) -> Any:
    return browser.post(
        f"/r/{token}/draft/",
        json.dumps({"values": values, "revision": revision}),
        content_type="application/json",
    )


def test_opening_the_link_changes_nothing_and_is_kept_by_nobody(
    people: story.People, browser: Client
) -> None:
    row, token = story.invited(people)
    answer = browser.get(f"/r/{token}/")
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    shown = answer.content.decode()
    assert "見本商工会" in shown
    assert 'value="見本 花子"' in shown  # what the institution knows already
    after = Registration.objects.get(pk=row.pk)
    assert (after.state, after.entry_revision, after.updated_at) == ("invited", 0, row.updated_at)


def test_what_is_typed_is_kept_with_its_revision(people: story.People, browser: Client) -> None:
    row, token = story.invited(people)
    first = draft(
        browser, token, {"name": "見本 花", "topics": ["販路開拓"], "qualifications": "税理士\n弁護士"}, 0
    )
    assert first.json()["revision"] == 1
    second = draft(browser, token, {"name": "見本 花子", "account_number": "1234567"}, 1)
    assert second.json()["revision"] == 2
    late = draft(browser, token, {"name": "古い窓"}, 1)
    assert late.status_code == 409
    row = Registration.objects.get(pk=row.pk)
    assert (row.state, row.entry["name"], row.entry["account_number"]) == ("filling", "見本 花子", "1234567")
    assert 'value="1234567"' in browser.get(f"/r/{token}/").content.decode()


@pytest.mark.parametrize(
    "body", [b"", b"[]", b'{"values": 3}', b"[" * 50_000, b'{"values": {"name": {"a": 1}}}']
)
def test_a_draft_that_cannot_be_read_is_refused_or_empty(
    people: story.People, browser: Client, body: bytes
) -> None:
    _, token = story.invited(people)
    answer = browser.post(f"/r/{token}/draft/", body, content_type="application/json")
    assert answer.status_code in (200, 400)
    assert browser.post(
        f"/r/{token}/draft/", b"x" * 100_001, content_type="application/json"
    ).status_code == 413  # fmt: skip


def _ticked(shown: str, name: str) -> bool:
    box = next(part for part in shown.split("<input")[1:] if f'name="agreed_{name}"' in part.split(">")[0])
    return "checked" in box.split(">")[0]


def test_everything_that_lacks_is_said_at_once_and_nothing_typed_is_lost(
    people: story.People, browser: Client
) -> None:
    _, token = story.invited(people)
    sent = {"entry_revision": "0", "name": "見本 花子", "phone": "abc", "agreed_expert_terms": "on"}
    answer = browser.post(f"/r/{token}/", {**sent, "version_expert_terms": story.agreed()["expert_terms"]})
    assert answer["Location"] == f"/r/{token}/?check=1&yes=expert_terms"
    # a page that can be loaded again
    shown = browser.get(answer["Location"]).content.decode()
    assert (_ticked(shown, "expert_terms"), _ticked(shown, "expert_privacy")) == (True, False)
    for words in (
        "氏名のフリガナを入力してください",
        "電話番号は、市外局番から",
        "本人確認書類",
        "を読んで、同意を選んでください",
        "銀行を選んでください",
    ):
        assert words in shown
    assert 'value="見本 花子"' in shown
    assert registration_by_token(token).entry["phone"] == "abc"  # type: ignore[union-attr]


def test_a_whole_entry_is_handed_in_once(people: story.People, browser: Client) -> None:
    row, token = story.invited(people)
    story.with_certificates(row_of(token))
    answer = browser.post(f"/r/{token}/", form())
    assert (answer.status_code, answer.headers.get("Location")) == (302, f"/r/{token}/")
    again = browser.post(f"/r/{token}/", form())
    assert "登録の内容を確認しています" in again.content.decode()
    assert Submission.objects.filter(registration=row).count() == 1
    shown = browser.get(f"/r/{token}/").content.decode()
    assert "登録の内容を確認しています" in shown
    assert "見本 花子" not in shown  # a link that went astray tells little
    assert draft(browser, token, {"name": "後から"}, 1).status_code == 409


def row_of(token: str) -> Registration:
    found = registration_by_token(token)
    assert found is not None
    return found


def test_a_window_that_was_overtaken_is_told_and_may_go_on(people: story.People, browser: Client) -> None:
    _, token = story.invited(people)
    story.with_certificates(row_of(token))
    draft(browser, token, {"name": "ほかの窓"}, 0)
    answer = browser.post(f"/r/{token}/", form(name="この 窓"))
    shown = answer.content.decode()
    assert answer.status_code == 422
    assert "別の画面で入力が進んでいます" in shown
    assert 'value="この 窓"' in shown
    assert 'name="entry_revision" value="1"' in shown
    assert row_of(token).entry["name"] == "ほかの窓"
    assert browser.post(f"/r/{token}/", form(1, name="この 窓", kana="コノ マド", account_holder_kana="コノ マド")).status_code == 302  # fmt: skip


def test_files_are_added_shown_and_taken_back(people: story.People, browser: Client) -> None:
    _, token = story.invited(people)
    photo = story.picture()
    photo.name = "免許証.jpg"
    for _ in range(2):  # pressed twice
        photo.seek(0)
        answer = browser.post(
            f"/r/{token}/certificates/", {"kind": "本人確認書類", "file": photo, "key": "k1"}, follow=True
        )
        assert "本人確認書類を追加しました" in answer.content.decode()
    kept = row_of(token).certificates.get()
    for path in ("", "small/"):
        answer = browser.get(f"/r/{token}/certificates/{kept.uuid}/{path}")
        assert (answer.status_code, answer["Content-Type"]) == (200, "image/jpeg")
    _, other = story.invited(people, candidate_email="other@example.jp")
    assert browser.get(f"/r/{other}/certificates/{kept.uuid}/").status_code == 404
    assert browser.post(f"/r/{other}/certificates/{kept.uuid}/remove/").status_code == 404
    assert browser.get(f"/r/{token}/certificates/{kept.uuid}/remove/").status_code == 405
    gone = browser.post(f"/r/{token}/certificates/{kept.uuid}/remove/", follow=True)
    assert "取り除きました" in gone.content.decode()
    assert not row_of(token).certificates.filter(removed_at=None).exists()


def test_a_file_that_is_none_is_refused_with_the_reason(people: story.People, browser: Client) -> None:
    _, token = story.invited(people)
    for sent, words in (
        ({"kind": "通帳", "key": "k1"}, "ファイルが選ばれていません"),
        ({"kind": "何か", "file": story.picture(), "key": "k2"}, "書類の種類を選んでください"),
    ):
        answer = browser.post(f"/r/{token}/certificates/", sent, follow=True)
        assert words in answer.content.decode()


def test_what_was_sent_back_is_shown_with_its_reason(people: story.People, browser: Client) -> None:
    row, token = story.invited(people)
    story.with_certificates(row_of(token))
    assert browser.post(f"/r/{token}/", form()).status_code == 302
    row.refresh_from_db()
    return_fields(
        registration=row, fields={"address": ("other", "建物名も入れてください")}, actor=people.chief
    )
    new = story.mailed_token(row)
    assert browser.get(f"/r/{token}/").status_code == 404  # the first link ended with the return
    shown = browser.get(f"/r/{new}/").content.decode()
    assert 'href="#id_address"' in shown
    assert "修正のお願い：建物名も入れてください" in shown


def test_a_paper_that_was_sent_back_says_why_beside_its_kind(people: story.People, browser: Client) -> None:
    row, token = story.invited(people)
    story.with_certificates(row_of(token))
    assert browser.post(f"/r/{token}/", form()).status_code == 302
    row.refresh_from_db()
    return_fields(
        registration=row, fields={"certificate:本人確認書類": ("unreadable", "")}, actor=people.chief
    )
    new = story.mailed_token(row)
    kinds = browser.get(f"/r/{new}/").content.decode().split('class="entry-kinds"')[1].split("</ul>")[0]
    assert "修正のお願い：写真が不鮮明で読み取れません" in kinds


def test_every_dead_link_gets_the_same_answer(people: story.People, browser: Client) -> None:
    row, token = story.invited(people)
    live = row_of(token)
    withdraw(registration=live, reason="辞退", actor=people.chief)
    _, late = story.invited(people, candidate_email="late@example.jp")
    Registration.objects.exclude(pk=row.pk).update(expires_at=clock.now())
    answers = [browser.get(f"/r/{each}/") for each in (token, late, "nothing")]
    assert [answer.status_code for answer in answers] == [404] * 3
    for way in ("/sign-in/", "/join/#whom", "/help/registration/"):
        assert all(f'href="{way}"' in answer.content.decode() for answer in answers)
    assert len({answer.content.decode().split("<main")[1] for answer in answers}) == 1
    assert draft(browser, late, {"name": "遅い"}, 0).status_code == 404
    assert browser.post(f"/r/{late}/", form()).status_code == 404
    assert browser.post(f"/r/{late}/account/", {}).status_code == 404


def test_the_account_is_judged_while_it_is_typed(people: story.People, browser: Client) -> None:
    _, token = story.invited(people)
    answer = browser.post(f"/r/{token}/account/", {"bank_code": "0001", "account_number": "12345678"})
    assert "7桁以内" in answer.json()["problems"]["account_number"][0]
    assert browser.get(f"/r/{token}/account/").status_code == 405
