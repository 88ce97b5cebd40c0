"""After the visit: the QR code on the expert's phone, and the client's answer."""

import datetime as dt
import re
import uuid
from typing import Any

import pytest
import time_machine
from django.test import Client

from core import clock
from dispatch.models import Attestation, AttestationLink, Dispatch, Status
from portal_expert.receiving import receive_check_events


def _visit(cast: Any) -> Dispatch:
    events = [
        {
            "event_id": str(uuid.uuid4()),
            "dispatch": "D1",
            "kind": kind,
            "device_time": f"2026-11-20T{hour}:00:00+09:00",
            "signer_name": "見本 花子",
        }
        for kind, hour in (("終了", 12), ("開始", 10))
    ]
    receive_check_events(actor=cast.expert, events=events)
    return Dispatch.objects.get(number="D1")


@pytest.fixture
def phone(cast: Any) -> Client:
    client = Client()
    client.force_login(cast.expert)
    return client


@pytest.fixture
def link(cast: Any, phone: Client) -> str:
    """The path behind the QR code of a visit that is over."""
    _visit(cast)
    page = phone.post("/expert/visits/D1/qr/").content.decode()
    found = re.search(r"/c/[\w-]{20,}/", page)
    assert found, page
    return found.group(0)


def test_both_ends_finish_the_visit_with_their_times(cast: Any) -> None:
    visit = _visit(cast)
    assert visit.status == Status.VISITED
    assert visit.visited_from == dt.datetime(2026, 11, 20, 10, tzinfo=clock.JST)
    assert visit.visited_to == dt.datetime(2026, 11, 20, 12, tzinfo=clock.JST)


def test_opening_the_link_changes_nothing_and_shows_the_facts(link: str) -> None:
    for _ in range(3):
        page = Client().get(link)
        assert page.status_code == 200
        assert "吉田 太郎" in page.content.decode()
    Client().head(link)
    assert not Attestation.objects.exists()
    assert AttestationLink.objects.filter(ended_at=None).exists()


def test_the_client_confirms_once(link: str) -> None:
    client = Client()
    answer = {"name": "見本 花子", "answer": "confirm"}
    assert client.post(link, answer)["Location"] == "/c/done/"
    # the same press again is thanked for again; another answer finds nothing
    assert client.post(link, answer)["Location"] == "/c/done/"
    assert client.post(link, {**answer, "name": "別人"}).status_code == 404
    assert client.get(link).status_code == 404
    assert Attestation.objects.get().confirmed
    assert Dispatch.objects.get(number="D1").attested_at is not None


def test_an_objection_needs_its_comment_and_keeps_what_was_typed(link: str) -> None:
    client = Client()
    page = client.post(link, {"name": "見本 花子", "answer": "object"})
    assert "どこが違うかを入れてください" in page.content.decode()
    assert 'value="見本 花子"' in page.content.decode()
    assert not Attestation.objects.exists()
    assert client.post(link, {"name": "見本 花子", "answer": "object", "comment": "時刻"}).status_code == 302
    assert not Attestation.objects.get().confirmed
    assert Dispatch.objects.get(number="D1").attested_at is None


def test_wrong_used_and_ended_links_say_the_same_and_nothing(link: str) -> None:
    wrong = Client().get("/c/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA/")
    with time_machine.travel(clock.now() + dt.timedelta(days=400)):
        ended = Client().get(link)
    Client().post(link, {"name": "見本 花子", "answer": "confirm"})
    used = Client().get(link)
    assert wrong.status_code == ended.status_code == used.status_code == 404

    def words(response: Any) -> str:
        return re.sub(r"X-CSRFToken\S+ \S+", "", response.content.decode())

    assert words(wrong) == words(ended) == words(used)
    assert "吉田" not in words(used)


def test_an_answer_without_a_choice_or_of_a_forger_is_refused(link: str) -> None:
    assert "選んでください" in Client().post(link, {"name": "見本"}).content.decode()
    forged = Client(enforce_csrf_checks=True)
    assert forged.post(link, {"name": "見本", "answer": "confirm"}).status_code == 403
    assert not Attestation.objects.exists()


def test_the_qr_code_of_a_foreign_visit_is_not_found(phone: Client) -> None:
    assert phone.post("/expert/visits/D2/qr/").status_code == 404
    assert phone.get("/expert/visits/D1/qr/").status_code == 405
