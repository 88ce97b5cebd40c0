"""The expert's report and travel claim: written, kept, checked, handed in, given back."""

import datetime as dt
import io
import re
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from PIL import Image

from core import clock
from dispatch.models import Dispatch, Draft, Status, TravelLine
from dispatch.services import (
    add_receipt,
    hold_dispatch,
    issue_attestation_link,
    lines_with_receipts,
    receipts_of,
    return_dispatch,
)
from payments.models import PayoutLine
from portal_expert.receiving import receive_check_events

NOON = dt.datetime(2021, 7, 12, 13, tzinfo=clock.JST)
URL = "/expert/dispatches/D1/report/"
CHECK = f"{URL}check/"
DRAFT = f"{URL}draft/"


@pytest.fixture
def visited(tell_story: Any, db: None) -> Iterator[Any]:
    """Expert e1 with D1 visited 10:00 to 12:00, an hour ago; everything is recorded and signed."""
    with time_machine.travel(NOON, tick=False) as traveller:
        cast = tell_story(NOON.date())
        events = [
            {
                "event_id": f"00000000-0000-4000-8000-00000000000{place}",
                "dispatch": "D1",
                "kind": kind,
                "device_time": f"2021-07-12T{hour}:00:00+09:00",
                "latitude": 35.681236,
                "longitude": 139.767125,
                "accuracy": 12,
                "signer_name": "見本 花子" if kind == "終了" else "",
            }
            for place, (kind, hour) in enumerate((("開始", 10), ("終了", 12)))
        ]
        receive_check_events(actor=cast.expert, events=events)
        cast.clock = traveller
        yield cast


@pytest.fixture
def phone(visited: Any) -> Client:
    client = Client()
    client.force_login(visited.expert)
    return client


def head(**given: str) -> dict[str, Any]:
    return {
        "start": "2021-07-12T10:00",
        "end": "2021-07-12T12:00",
        "breaks": "",
        "report": "販路の助言をした。",
        "itinerary": "",
        "seen": "",
        "page": "page-one",
        **given,
    }


def line(number: int, kind: str, **given: str) -> dict[str, str]:
    return {f"l{number}-kind": kind, **{f"l{number}-{name}": value for name, value in given.items()}}


def taxi(number: int = 1, **given: str) -> dict[str, str]:
    return line(
        number, "タクシー", day="2021-07-12", origin="駅", destination="見本町1", claimed="2,400円", **given
    )


def dispatch() -> Dispatch:
    return Dispatch.objects.get(number="D1")


def seen(text: str) -> str:
    found = re.search(r'name="seen" value="([^"]*)"', text)
    assert found
    return found.group(1)


def page(phone: Client, address: str = URL) -> str:
    return phone.get(address).content.decode()


def hand_in(phone: Client, **given: Any) -> Any:
    """Everything from the form to the last button."""
    assert phone.post(URL, {**head(), "action": "check", **given})["Location"] == CHECK
    return press(phone)


def press(phone: Client) -> Any:
    text = page(phone, CHECK)
    token = re.search(r'name="edit_token" value="([^"]*)"', text)
    assert token, text
    return phone.post(CHECK, {"seen": seen(text), "edit_token": token.group(1)})


def test_the_form_begins_with_the_recorded_times(phone: Client) -> None:
    text = page(phone)
    assert 'value="2021-07-12T10:00"' in text
    assert 'value="2021-07-12T12:00"' in text
    assert "署名：見本 花子" in text


def test_what_was_typed_stands_there_again_after_a_reload(phone: Client) -> None:
    answer = phone.post(DRAFT, {**head(report="途中"), "line": ["3"], **taxi(3)})
    assert answer.json()["saved"] == "13:00"
    text = page(phone)
    assert "途中" in text
    assert 'name="l3-claimed" value="2,400円"' in text
    assert not TravelLine.objects.exists()


@pytest.mark.parametrize(
    ("kind", "asked", "not_asked"),
    [
        ("鉄道", {"express", "reserved", "fare"}, {"receipt", "seat", "lodging_kind"}),
        ("航空", {"stub", "receipt", "seat", "roundtrip_fare"}, {"fare", "express"}),
        ("宿泊", {"lodging_kind", "reason", "receipt"}, {"origin", "fare", "seat"}),
        ("私有車", {"km"}, {"fare", "receipt"}),
    ],
)
def test_a_line_asks_only_for_what_its_kind_needs(
    phone: Client, kind: str, asked: set[str], not_asked: set[str]
) -> None:
    text = phone.post(URL, {**head(), "action": f"add:{kind}"}).content.decode()
    names = set(re.findall(r'name="l1-(\w+)"', text))
    assert asked <= names
    assert not names & not_asked


def test_another_kind_keeps_what_the_first_one_asked_for(phone: Client) -> None:
    given = line(1, "バス", day="2021-07-12", fare="500", express="1,200")
    text = phone.post(URL, {**head(), "line": ["1"], **given, "action": "kind:1"}).content.decode()
    assert '<input type="hidden" name="l1-express" value="1,200"' in text
    given["l1-kind"] = "鉄道"
    text = phone.post(URL, {**head(), "line": ["1"], **given, "action": "kind:1"}).content.decode()
    assert '<input type="text" name="l1-express" value="1,200"' in text


def test_lines_are_copied_turned_round_and_removed_without_changing_their_numbers(phone: Client) -> None:
    given = {**head(), "line": ["1"], **taxi()}
    text = phone.post(URL, {**given, "action": "back:1"}).content.decode()
    assert 'name="l2-origin" value="見本町1"' in text
    assert 'name="l2-destination" value="駅"' in text
    given |= {"line": ["1", "2"], **taxi(2)}
    text = phone.post(URL, {**given, "action": "remove:1"}).content.decode()
    assert 'name="l1-origin"' not in text
    assert 'name="l2-origin"' in text
    text = phone.post(URL, {**head(), "line": ["2"], **taxi(2), "action": "copy:2"}).content.decode()
    assert 'name="l3-origin" value="駅"' in text


def test_a_script_gets_only_the_lines(phone: Client) -> None:
    answer = phone.post(URL, {**head(), "action": "add:バス"}, headers={"X-Requested-With": "fetch"})
    assert "<html" not in answer.content.decode()
    assert 'id="lines"' in answer.content.decode()
    assert answer["X-Seen"] == seen(page(phone))


def test_errors_stand_beside_the_field_and_in_the_summary_and_nothing_is_lost(phone: Client) -> None:
    given = {"line": ["1"], **taxi(1), "l1-claimed": "たくさん", "l1-day": ""}
    assert phone.post(URL, {**head(report=""), **given, "action": "check"})["Location"] == CHECK
    assert phone.get(CHECK)["Location"] == f"{URL}?checked=1"
    text = page(phone, f"{URL}?checked=1")
    assert '<a href="#id_report">支援内容</a>：支援内容を入れてください。' in text
    assert '<a href="#id_l1-claimed">1行目 タクシー 請求額</a>：金額は数字で入れてください' in text
    assert 'name="l1-claimed" value="たくさん"' in text
    assert dispatch().status == Status.VISITED


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"end": "2021-07-12T09:00"}, "終了は開始より後にしてください"),
        ({"end": "2021-07-12T23:00"}, "先の時刻になっています"),
        ({"breaks": "120"}, "休憩が支援の時間以上になっています"),
        ({"breaks": "長い"}, "分の数字で入れてください"),
        ({"start": ""}, "支援の開始の日時を入れてください"),
        ({"report": "あ" * 10_001}, "10,000 文字以内"),
    ],
)
def test_impossible_times_and_texts_are_refused(phone: Client, changes: dict[str, str], words: str) -> None:
    phone.post(URL, {**head(**changes), "action": "check"})
    assert phone.get(CHECK).status_code == 302
    assert words in page(phone, f"{URL}?checked=1")


def test_before_handing_in_every_yen_is_explained_and_nothing_has_changed(phone: Client) -> None:
    phone.post(URL, {**head(), "line": ["1"], **taxi(no_public_transport="on"), "action": "check"})
    text = page(phone, CHECK)
    assert "2時間 → 4単位 × 2,640円 = 10,560円" in text
    assert "請求額 2,400円 = 2,400円" in text
    assert "12,960円" in text
    assert "領収書の画像を、その行に付けてください。" in text
    assert dispatch().status == Status.VISITED
    assert not TravelLine.objects.exists()
    assert dispatch().report == ""


def test_what_the_check_says_is_what_the_run_pays(phone: Client, visited: Any) -> None:
    from dispatch.services import attest
    from payments.calculation.expectation import expected_payment

    train = line(1, "鉄道", day="2021-07-12", km="120", fare="2000", express="1500", reserved="500")
    phone.post(URL, {**head(), "line": ["1"], **train, "action": "check"})
    text = page(phone, CHECK)
    assert "運賃 2,000円＋特急料金 1,500円＋指定席料金 500円（距離 120km、100km以上） = 4,000円" in text
    assert "日当" in text
    press(phone)
    row = dispatch()
    attest(
        token=issue_attestation_link(dispatch=row, channel="qr", actor=visited.operator).token,
        confirmed=True,
        name="見本 花子",
    )
    Dispatch.objects.filter(pk=row.pk).update(no_accompaniment_reason="研修のため")
    found = expected_payment(dispatch())
    assert found is not None
    assert found.total == 10_560 + 4_000 + 1_100
    assert [one.code for one in found.findings] == ["P03"]
    assert not PayoutLine.objects.exists()


def test_an_own_car_is_estimated_by_the_claim_and_left_to_the_office(phone: Client) -> None:
    car = line(1, "私有車", day="2021-07-12", km="12.5")
    back = line(2, "私有車", day="2021-07-12", km="12.5")
    phone.post(URL, {**head(), "line": ["1", "2"], **car, **back, "action": "check"})
    text = page(phone, CHECK)
    assert "25km × 37円 = 925円" in text
    assert "距離を事務局がまだ認定していません" in text
    assert "請求どおり認定されたとしての見込み" in text
    press(phone)
    assert list(TravelLine.objects.values_list("claimed", flat=True)) == [463, 463]


def test_handing_in_twice_does_it_once(phone: Client) -> None:
    assert hand_in(phone, line=["2"], **taxi(2))["Location"] == URL
    assert phone.post(CHECK, {"seen": "", "edit_token": ""})["Location"] == URL
    row = dispatch()
    assert (row.status, row.report) == (Status.REPORTED, "販路の助言をした。")
    assert list(row.travel_lines.values_list("line_no", "claimed")) == [(2, 2400)]
    assert not Draft.objects.exists()
    text = page(phone)
    assert "これからの流れ" in text
    assert "支援先の回答を待っています" in text
    assert "10,560円" in text


def test_what_changed_after_the_check_is_looked_at_again(phone: Client, visited: Any) -> None:
    phone.post(URL, {**head(), "action": "check"})
    text = page(phone, CHECK)
    visited.clock.shift(60)
    phone.post(DRAFT, head(report="書き足した。"))
    token = re.search(r'name="edit_token" value="([^"]*)"', text)
    assert token
    answer = phone.post(CHECK, {"seen": seen(text), "edit_token": token.group(1)})
    assert answer.status_code == 409
    assert "確認の後に入力が変わりました" in answer.content.decode()
    assert "書き足した。" in answer.content.decode()
    assert dispatch().status == Status.VISITED


def test_a_change_by_others_is_said_before_handing_in(phone: Client, visited: Any) -> None:
    from dispatch.services import correct_dispatch

    phone.post(URL, {**head(), "action": "check"})
    text = page(phone, CHECK)
    visited.clock.shift(60)
    correct_dispatch(
        dispatch=dispatch(), values={"経営課題": "販路開拓"}, reason="電話で確認", actor=visited.operator
    )
    token = re.search(r'name="edit_token" value="([^"]*)"', text)
    assert token
    answer = phone.post(CHECK, {"seen": seen(text), "edit_token": token.group(1)})
    assert answer.status_code == 409
    assert "経営課題" in answer.content.decode()


def test_two_tabs_see_each_others_words(phone: Client, visited: Any) -> None:
    first = phone.post(DRAFT, head(report="一つ目の画面", page="a"))
    assert first.status_code == 200
    visited.clock.shift(60)
    second = phone.post(DRAFT, head(report="二つ目の画面", page="b"))
    assert second.status_code == 409
    html = second.json()["conflict"]
    assert "一つ目の画面" in html
    assert "二つ目の画面" in html
    assert Draft.objects.get().values["report"] == "一つ目の画面"
    # the first page goes on although its answer was lost
    assert phone.post(DRAFT, head(report="一つ目の続き", page="a")).status_code == 200
    plain = phone.post(URL, {**head(report="二つ目の画面", page="b"), "action": "check"})
    assert plain.status_code == 409
    assert 'id="conflict-title"' in plain.content.decode()
    assert phone.post(URL, {**head(report="二つ目の画面", page="b"), "action": "mine"}).status_code == 302
    assert Draft.objects.get().values["report"] == "二つ目の画面"


def test_an_old_tab_gives_back_what_it_had_after_the_report_was_handed_in(phone: Client) -> None:
    hand_in(phone)
    assert phone.post(DRAFT, head(report="遅い言葉")).status_code == 410
    answer = phone.post(URL, {**head(report="遅い言葉"), "action": "check"})
    assert answer.status_code == 409
    assert "遅い言葉" in answer.content.decode()
    assert not Draft.objects.exists()


def test_a_returned_report_says_why_at_the_top_and_at_the_part(phone: Client, visited: Any) -> None:
    hand_in(phone, line=["1"], **taxi())
    return_dispatch(
        dispatch=dispatch(),
        reasons=["支援内容の記載が不足している", "旅費請求の経路・金額に誤りがある"],
        comment="タクシーの領収書が、読めません",
        actor=visited.operator,
    )
    text = page(phone)
    assert "差し戻されました" in text
    assert text.count("支援内容の記載が不足している") == 2
    assert text.count("旅費請求の経路・金額に誤りがある") == 2
    assert "<li>タクシーの領収書が、読めません</li>" in text
    assert text.index("差戻しの理由：タクシーの領収書が、読めません") > text.index('id="travel-title"')
    assert "販路の助言をした。" in text
    assert 'name="l1-claimed" value="2400"' in text
    hand_in(phone, report="詳しく書いた。")
    assert dispatch().report == "詳しく書いた。"
    assert not dispatch().travel_lines.exists()


def test_a_discarded_draft_leads_back_to_what_stands(phone: Client) -> None:
    phone.post(DRAFT, head(report="捨てる"))
    assert phone.post(URL, {"action": "discard"}).status_code == 302
    assert "捨てる" not in page(phone)


def test_before_the_visit_there_is_nothing_to_report(tell_story: Any, db: None) -> None:
    with time_machine.travel(NOON - dt.timedelta(hours=5), tick=False):
        cast = tell_story(NOON.date())
        client = Client()
        client.force_login(cast.expert)
        assert "支援が始まってから書けます" in page(client)
        assert client.post(URL, {**head(), "action": "check"}).status_code == 409
        assert not Draft.objects.exists()


def test_without_check_events_times_are_typed_and_lead_to_declarations(tell_story: Any, db: None) -> None:
    with time_machine.travel(NOON, tick=False):
        cast = tell_story(NOON.date())
        client = Client()
        client.force_login(cast.expert)
        text = page(client)
        assert "開始の記録がありません" in text
        assert "/expert/dispatches/D1/declarations/start/" in text
        client.post(URL, {**head(), "action": "check"})
        text = page(client, CHECK)
        assert "/expert/dispatches/D1/declarations/end/" in text
        assert dispatch().status == Status.CONFIRMED
        press(client)
        row = dispatch()
        assert row.status == Status.REPORTED
        assert clock.jst(row.visited_from) == dt.datetime(2021, 7, 12, 10)


def test_headings_help_and_keep_what_is_there(phone: Client) -> None:
    text = phone.post(URL, {**head(), "action": "headings"}).content.decode()
    assert "販路の助言をした。\n\n【支援先の課題】" in text


@pytest.mark.parametrize(
    "given",
    [
        {"line": ["x", "-1", "1", "1", "9999999"], "l1-kind": "気球"},
        {"action": "remove:²"},
        {"action": "add:気球"},
        {"action": "copy:77"},
        {"report": "鐘\x07が鳴る"},
        {"line": ["1"], "l1-kind": "鉄道", "l1-km": "1e9", "l1-day": "2021-13-99", "l1-fare": "١٢"},
    ],
)
def test_odd_input_breaks_nothing(phone: Client, given: dict[str, Any]) -> None:
    assert phone.post(URL, {**head(), **given}).status_code in (200, 302)
    assert phone.get(f"{URL}?checked=1").status_code == 200
    assert phone.get(CHECK).status_code in (200, 302)


def test_too_much_text_is_refused_and_given_back(phone: Client) -> None:
    answer = phone.post(URL, {**head(report="長" * 250_000), "action": "save"})
    text = answer.content.decode()
    assert "入力途中の内容が大きすぎる" in text
    assert "長" * 1000 in text
    assert phone.post(DRAFT, head(report="長" * 250_000)).status_code == 422


def photo() -> io.BytesIO:
    file = io.BytesIO()
    Image.new("RGB", (60, 80), "white").save(file, "JPEG")
    file.name = "receipt.jpg"
    file.seek(0)
    return file


def test_a_picture_of_the_line_is_its_receipt_and_stays_when_the_line_goes(
    phone: Client, visited: Any
) -> None:
    flight = line(
        2, "航空", day="2021-07-12", km="600", claimed="20000", ordinary_fare="20000", seat="普通席"
    )
    given = {**head(), "line": ["2"], **flight}
    text = phone.post(URL, {**given, "action": "lines"}).content.decode()
    assert "領収書 未添付" in text
    assert "半券 未添付" in text
    for purpose in ("領収書", "半券"):
        add_receipt(
            dispatch=dispatch(),
            upload=photo(),
            purpose=purpose,
            line_number=2,
            actor=visited.expert,
            key=purpose,
        )
    text = phone.post(URL, {**given, "action": "copy:2"}).content.decode()
    assert "領収書 添付済" in text
    assert "領収書 未添付" in text
    phone.post(URL, {**given, "action": "check"})
    assert "付けてください" not in page(phone, CHECK)
    press(phone)
    flown = dispatch().travel_lines.get()
    assert (flown.line_no, flown.receipt, flown.stub) == (2, True, True)
    return_dispatch(dispatch=dispatch(), reasons=["経路の誤り"], actor=visited.operator)
    phone.post(URL, {**given, "action": "remove:2"})
    assert lines_with_receipts(dispatch()) == {}
    assert len(receipts_of(dispatch(), visited.expert)) == 2
    assert "どの行のものか決まっていない画像があります" in page(phone, CHECK)


def test_a_receipt_sent_by_post_counts_as_the_person_says(phone: Client) -> None:
    hand_in(phone, line=["1"], **taxi(receipt="on"))
    assert dispatch().travel_lines.get().receipt


def test_what_the_office_noted_of_its_own_is_not_told(phone: Client, visited: Any) -> None:
    hand_in(phone)
    hold_dispatch(dispatch=dispatch(), reason="内偵中の機関との関係を調べる", actor=visited.operator)
    text = page(phone)
    assert "事務局が支払を保留しています" in text
    assert "内偵" not in text


def test_another_experts_report_is_not_found(phone: Client, visited: Any) -> None:
    other = Client()
    other.force_login(visited.other)
    for address in (URL, CHECK):
        assert other.get(address).status_code == 404
    assert other.post(DRAFT, head()).status_code == 404
    assert not Draft.objects.exists()


def test_the_page_takes_the_same_queries_however_many_lines(phone: Client) -> None:
    def queries(lines: int) -> int:
        given: dict[str, Any] = {"line": [str(number) for number in range(1, lines + 1)]}
        for number in range(1, lines + 1):
            given |= taxi(number)
        assert phone.post(DRAFT, {**head(), **given}).status_code == 200
        page(phone)
        with CaptureQueriesContext(connection) as captured:
            page(phone)
        return len(captured)

    few, many = queries(1), queries(40)
    assert few == many
    assert many < 45


def test_a_forged_request_keeps_nothing(visited: Any) -> None:
    forged = Client(enforce_csrf_checks=True)
    forged.force_login(visited.expert)
    assert forged.post(DRAFT, head()).status_code == 403
    assert not Draft.objects.exists()
