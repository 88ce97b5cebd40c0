"""申告書: which causes the evidence calls for, and handing them in."""

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import time_machine
from django.test import Client

from core import clock
from dispatch.models import Declaration, Dispatch, Draft
from payments.calculation.expectation import expected_payment
from portal_expert.causes import causes_of
from portal_expert.receiving import receive_check_events

NOON = dt.datetime(2021, 7, 12, 13, tzinfo=clock.JST)
LIST = "/expert/dispatches/D1/declarations/"
GIVEN = {
    "reason": "電池が切れていた。",
    "measures": "充電器を持ち歩く。",
    "pledge": "on",
    "standing": "",
    "seen": "",
    "page": "one",
    "action": "declare",
}

Send = Callable[..., None]


@pytest.fixture
def cast(tell_story: Any, db: None) -> Iterator[Any]:
    with time_machine.travel(NOON, tick=False) as traveller:
        told = tell_story(NOON.date())
        told.clock = traveller
        yield told


@pytest.fixture
def phone(cast: Any) -> Client:
    client = Client()
    client.force_login(cast.expert)
    return client


@pytest.fixture
def send(cast: Any) -> Send:
    """Sends what a phone recorded: kind and hour, with what is different about it."""

    def send(kind: str, moment: str, **given: Any) -> None:
        event = {
            "event_id": f"00000000-0000-4000-8000-{abs(hash((kind, moment))) % 10**12:012d}",
            "dispatch": "D1",
            "kind": kind,
            "device_time": f"2021-07-12T{moment}:00+09:00",
            "latitude": 35.681236,
            "longitude": 139.767125,
            "accuracy": 12,
            "signer_name": "見本 花子" if kind == "終了" else "",
            **given,
        }
        answers = receive_check_events(actor=cast.expert, events=[event])
        assert answers[0].status == "created", answers

    return send


def dispatch() -> Dispatch:
    return Dispatch.objects.prefetch_related("check_events", "declarations").get(number="D1")


def needed() -> list[str]:
    return [cause.slug for cause in causes_of(dispatch()) if cause.is_needed]


def found() -> list[str]:
    expected = expected_payment(dispatch())
    assert expected is not None
    return [one.code for one in expected.findings if one.code.startswith("E")]


def test_a_clean_visit_needs_none(phone: Client, send: Send) -> None:
    send("開始", "10:00")
    send("終了", "12:00")
    assert needed() == []
    text = phone.get(LIST).content.decode()
    assert text.count("申告書を書く") == 5
    assert 'class="cause cause--needed"' not in text


@pytest.mark.parametrize(
    ("events", "slugs"),
    [
        ([("終了", "12:00", {})], ["start"]),
        ([("開始", "10:00", {})], ["end"]),
        ([], ["start", "end"]),
        ([("開始", "10:00", {}), ("終了", "12:00", {"signer_name": ""})], ["signature"]),
        ([("開始", "10:00", {"latitude": None, "longitude": None}), ("終了", "12:00", {})], ["position"]),
    ],
)
def test_the_evidence_says_which_are_needed(
    send: Send, events: list[tuple[str, str, dict[str, Any]]], slugs: list[str]
) -> None:
    for kind, moment, given in events:
        send(kind, moment, **given)
    assert needed() == slugs


def test_a_declaration_settles_its_finding_and_counts_for_the_next_time(
    phone: Client, send: Send, cast: Any
) -> None:
    send("開始", "10:00")
    send("終了", "12:00", signer_name="")
    assert found() == ["E03"]
    text = phone.get(f"{LIST}signature/").content.decode()
    assert "終了の記録に署名がありません" in text
    assert "ほかの派遣で 0回提出" in text
    assert phone.post(f"{LIST}signature/", GIVEN)["Location"] == LIST
    declaration = Declaration.objects.get()
    assert (declaration.cause, declaration.measures) == ("署名不備", "充電器を持ち歩く。")
    assert found() == []
    assert needed() == []
    text = phone.get(LIST).content.decode()
    assert "提出済" in text
    other = Dispatch.objects.get(number="D2")
    other.expert = dispatch().expert
    before = {cause.slug: cause.before for cause in causes_of(other)}
    assert before["signature"] == 1
    assert before["time"] == 0


def test_the_declared_time_is_what_the_check_compares(phone: Client, send: Send) -> None:
    send("終了", "12:00")
    times = {"start": "2021-07-12T10:00", "end": "2021-07-12T12:00", "report": "助言した。"}
    phone.post("/expert/dispatches/D1/report/draft/", {**times, "seen": "", "page": "one"})
    text = phone.get(f"{LIST}start/").content.decode()
    assert 'name="declared_from" value="2021-07-12T10:00"' in text
    assert phone.post(f"{LIST}start/", {**GIVEN, "declared_from": "2021-07-12T10:00"}).status_code == 302
    phone.post("/expert/dispatches/D1/report/", {**times, "seen": "", "page": "one", "action": "check"})
    text = phone.get("/expert/dispatches/D1/report/check/").content.decode()
    assert "あなたが直すところは見つかりませんでした" in text


@pytest.mark.parametrize(
    ("slug", "given", "words"),
    [
        ("end", {"declared_to": ""}, "実際に終了した日時を入れてください"),
        ("end", {"declared_to": "2021-07-12T18:00"}, "先の時刻になっています"),
        (
            "time",
            {"declared_from": "2021-07-12T12:00", "declared_to": "2021-07-12T10:00"},
            "終了は開始より後にしてください",
        ),
        ("position", {"reason": " "}, "理由を入れてください"),
        ("position", {"measures": ""}, "再発防止策を入れてください"),
        ("position", {"pledge": ""}, "内容を確認して、チェックを入れてください"),
        ("position", {"reason": "あ" * 2_001}, "2,000 文字以内"),
        ("position", {"reason": "鐘\x07"}, "使えない制御文字"),
    ],
)
def test_a_refused_form_says_why_and_keeps_what_was_typed(
    phone: Client, slug: str, given: dict[str, str], words: str
) -> None:
    answer = phone.post(f"{LIST}{slug}/", {**GIVEN, **given})
    text = answer.content.decode()
    assert words in text
    assert "error-summary" in text
    if "measures" not in given:
        assert "充電器を持ち歩く。" in text
    assert not Declaration.objects.exists()


def test_the_same_form_in_two_tabs_is_said(phone: Client, send: Send, cast: Any) -> None:
    send("開始", "10:00")
    send("終了", "12:00", signer_name="")
    phone.post(f"{LIST}signature/", GIVEN)
    cast.clock.shift(60)
    assert phone.post(f"{LIST}signature/", GIVEN).status_code == 302  # the same pressed twice
    answer = phone.post(f"{LIST}signature/", {**GIVEN, "reason": "別の理由。"})
    text = answer.content.decode()
    assert "開いた後に別の画面で提出されました（13:00）" in text
    assert "別の理由。" in text
    assert "電池が切れていた。" in text
    assert Declaration.objects.get().reason == "電池が切れていた。"


def test_what_is_typed_is_kept_and_goes_when_handed_in(phone: Client, cast: Any) -> None:
    answer = phone.post(f"{LIST}position/draft/", GIVEN)
    assert answer.json()["saved"] == "13:00"
    assert "充電器を持ち歩く。" in phone.get(f"{LIST}position/").content.decode()
    cast.clock.shift(60)
    conflict = phone.post(f"{LIST}position/draft/", {**GIVEN, "reason": "二つ目", "page": "two"})
    assert conflict.status_code == 409
    assert "電池が切れていた。" in conflict.json()["conflict"]
    assert phone.post(f"{LIST}position/", GIVEN).status_code == 302
    assert not Draft.objects.exists()


def test_another_experts_and_unknown_ones_are_not_found(phone: Client, cast: Any) -> None:
    assert phone.get(f"{LIST}other/").status_code == 404
    other = Client()
    other.force_login(cast.other)
    for address in (LIST, f"{LIST}start/"):
        assert other.get(address).status_code == 404
    assert other.post(f"{LIST}start/", GIVEN).status_code == 404
    assert other.post(f"{LIST}start/draft/", GIVEN).status_code == 404
    assert not Declaration.objects.exists()


def test_files_know_nothing_of_the_measures(phone: Client, send: Send, tmp_path: Any) -> None:
    from core.exchange.services import export_folder

    send("開始", "10:00")
    send("終了", "12:00", signer_name="")
    phone.post(f"{LIST}signature/", GIVEN)
    export_folder(tmp_path)
    lines = (tmp_path / "declarations.csv").read_text(encoding="utf-8-sig").splitlines()
    assert lines[0] == "派遣番号,事由,申告開始,申告終了,提出日時,理由"
    assert "充電器" not in lines[1]
