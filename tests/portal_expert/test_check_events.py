"""POST /api/v1/check-events/: what a phone sends, as often as it likes, in any order."""

import datetime as dt
import json
import threading
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, connections
from django.test import Client

from accounts.models import RoleNetworks
from core import clock
from core.audit.acting import SYSTEM, acting
from core.audit.models import Change
from dispatch.models import CheckEvent
from portal_expert import signatures
from portal_expert.models import CheckEventExtra
from portal_expert.receiving import Result, receive_check_events
from portal_expert.tokens import issue_token, revoke_token

PATH = "/api/v1/check-events/"


def event(**given: Any) -> dict[str, Any]:
    """A good check-in."""
    return {
        "event_id": str(uuid.uuid4()),
        "dispatch": "D1",
        "kind": "開始",
        "device_time": "2026-11-20T10:00:05+09:00",
        "latitude": 35.681236,
        "longitude": 139.767125,
        "accuracy": 12.5,
        "fix_age": 2,
        "permission": "granted",
        **given,
    }


SIGNATURE = {
    "strokes": [[[1, 2], [30.4, 40]], [[5, 5]]],
    "width": 300,
    "height": 150,
    "text": "支援を受けました。",
}


def post(client: Client, body: Any) -> Any:
    text = body if isinstance(body, str | bytes) else json.dumps(body)
    return client.post(PATH, text, content_type="application/json")


@pytest.fixture
def phone(cast: Any) -> Client:
    """E1's browser."""
    client = Client()
    client.force_login(cast.expert)
    return client


def statuses(response: Any) -> list[str]:
    assert response.status_code == 200, response.content
    return [answer["status"] for answer in response.json()]


def test_an_event_is_kept_once_however_often_it_is_sent(phone: Client) -> None:
    sent = event(sent_time="2026-11-20T10:00:06+09:00")
    assert statuses(post(phone, [sent])) == ["created"]
    assert statuses(post(phone, [{**sent, "sent_time": "2026-11-20T18:00:00+09:00"}])) == ["duplicate"]
    kept = CheckEvent.objects.get()
    assert (kept.dispatch.number, kept.kind, str(kept.latitude), str(kept.accuracy)) == (
        "D1", "開始", "35.681236", "12.5",
    )  # fmt: skip
    assert kept.device_time == dt.datetime(2026, 11, 20, 10, 0, 5, tzinfo=clock.JST)
    assert abs((clock.now() - kept.received_at).total_seconds()) < 60
    assert (kept.extra.fix_age, kept.extra.permission, kept.extra.sender.username) == (
        2,
        "granted",
        "e1",
    )
    assert CheckEventExtra.objects.count() == 1


@pytest.mark.parametrize(
    "other",
    [
        {"kind": "終了"},
        {"latitude": 35.681237},
        {"latitude": None, "longitude": None},
        {"device_time": "2026-11-20T10:00:06+09:00"},
        {"signer_name": "だれか"},
        {"permission": "denied"},
        {"signature": SIGNATURE},
    ],
    ids=lambda other: next(iter(other)),
)
def test_the_same_id_with_other_content_is_rejected_and_the_first_one_stays(
    phone: Client, other: dict[str, Any]
) -> None:
    sent = event()
    post(phone, [sent])
    response = post(phone, [{**sent, **other}])
    assert statuses(response) == ["rejected"]
    assert "内容の異なる記録" in response.json()[0]["reason"]
    assert (CheckEvent.objects.get().kind, str(CheckEvent.objects.get().latitude)) == ("開始", "35.681236")


def test_the_same_moment_written_with_another_zone_is_the_same_event(phone: Client) -> None:
    sent = event()
    post(phone, [sent])
    again = {
        **sent,
        "device_time": "2026-11-20T01:00:05Z",
        "latitude": 35.6812360,
        "event_id": sent["event_id"].upper(),
    }
    assert statuses(post(phone, [again])) == ["duplicate"]


def test_an_event_that_was_loaded_from_a_file_is_known_by_its_columns(phone: Client) -> None:
    import io

    from core.exchange.services import load_files

    sent = event(accuracy=10, signer_name="")
    text = (
        "イベントID,派遣番号,種別,端末時刻,緯度,経度,精度m\n"
        f"{sent['event_id']},D1,開始,2026-11-20 10:00:05,35.681236,139.767125,10\n"
    )
    assert load_files({"check_events.csv": io.BytesIO(text.encode())}, actor=SYSTEM).ok
    assert statuses(post(phone, [sent, event()])) == ["duplicate", "created"]
    assert statuses(post(phone, [{**sent, "accuracy": 11}])) == ["rejected"]


def test_a_part_may_be_rejected_while_the_rest_is_kept_in_any_order(phone: Client) -> None:
    end = event(kind="終了", device_time="2026-11-20T12:00:00+09:00", signer_name="見本 花子")
    foreign, unreadable, twice = event(dispatch="D2"), event(kind="途中"), event()
    response = post(phone, [end, foreign, unreadable, twice, twice, {**twice, "kind": "終了"}, 7])
    assert statuses(response) == [
        "created", "rejected", "rejected", "created", "duplicate", "rejected", "rejected",
    ]  # fmt: skip
    assert [answer["event_id"] for answer in response.json()][:3] == [
        end["event_id"], foreign["event_id"], unreadable["event_id"],
    ]  # fmt: skip
    assert CheckEvent.objects.count() == 2


def test_somebody_elses_dispatch_is_as_unknown_as_one_that_does_not_exist(phone: Client) -> None:
    answers = post(phone, [event(dispatch="D2"), event(dispatch="D999")]).json()
    assert answers[0]["status"] == answers[1]["status"] == "rejected"
    assert answers[0]["reason"] == answers[1]["reason"]
    assert not CheckEvent.objects.exists()


def test_an_id_of_somebody_elses_event_shows_nothing_of_it(phone: Client, cast: Any) -> None:
    theirs = event(dispatch="D2")
    assert receive_check_events(actor=cast.other, events=[theirs])[0].status is Result.CREATED
    assert statuses(post(phone, [{**theirs, "dispatch": "D1"}])) == ["rejected"]
    assert CheckEvent.objects.get().dispatch.number == "D2"


def test_a_list_that_stands_whole_is_answered_without_a_transaction(
    phone: Client, cast: Any, django_assert_num_queries: Any
) -> None:
    sent = [event() for _ in range(20)]
    assert statuses(post(phone, sent)) == ["created"] * 20
    # what stands, and whether a visit still has to take its times: no savepoint, nothing written
    with django_assert_num_queries(2) as asked:
        answers = receive_check_events(actor=cast.expert, events=[*sent[::-1], sent[0]])
    assert [answer.event_id for answer in answers] == [one["event_id"] for one in [*sent[::-1], sent[0]]]
    assert {answer.status for answer in answers} == {Result.DUPLICATE}
    assert all(query["sql"].lstrip().startswith("SELECT") for query in asked.captured_queries)
    assert CheckEvent.objects.count() == 20


def test_one_new_or_other_event_among_repeated_ones_is_judged_like_any_other(phone: Client) -> None:
    sent = [event() for _ in range(3)]
    post(phone, sent)
    assert statuses(post(phone, [*sent, event()])) == ["duplicate"] * 3 + ["created"]
    other = {**sent[1], "signer_name": "だれか"}
    assert statuses(post(phone, [sent[0], other, sent[2]])) == ["duplicate", "rejected", "duplicate"]


def test_a_repetition_by_somebody_else_is_unknown_to_them(phone: Client, cast: Any) -> None:
    sent = event()
    assert statuses(post(phone, [sent])) == ["created"]
    assert receive_check_events(actor=cast.other, events=[sent])[0].status is Result.REJECTED
    assert statuses(post(phone, [sent])) == ["duplicate"]


def test_evidence_that_looks_wrong_is_kept(phone: Client) -> None:
    far = event(latitude=-33.9, longitude=151.2, accuracy=90_000)
    nowhere = {**event(permission="denied"), "latitude": None, "longitude": None, "accuracy": None}
    long_ago = event(device_time="2001-01-01T00:00:00+09:00")
    assert statuses(post(phone, [far, nowhere, long_ago])) == ["created"] * 3


def test_a_clock_beyond_the_setting_is_marked_and_not_refused(phone: Client, settings: Any) -> None:
    settings.CHECK_EVENT_CLOCK_TOLERANCE_SECONDS = 300
    now = clock.now()

    def at(seconds: int) -> str:
        return (now + dt.timedelta(seconds=seconds)).isoformat()

    right = event(device_time=at(-7200), sent_time=at(0))
    fast = event(device_time=at(-7200), sent_time=at(900))
    from_the_future = event(device_time=at(3600))
    assert statuses(post(phone, [right, fast, from_the_future])) == ["created"] * 3
    marks = {extra.event.event_id: extra for extra in CheckEventExtra.objects.select_related("event")}
    assert [marks[one["event_id"]].clock_doubtful for one in (right, fast, from_the_future)] == [
        False,
        True,
        True,
    ]
    assert 890 <= marks[fast["event_id"]].skew_seconds <= 900


def test_a_signature_is_kept_encrypted_with_the_text_that_was_signed(phone: Client) -> None:
    sent = event(kind="終了", signer_name="見本 花子", signature=SIGNATURE)
    assert statuses(post(phone, [sent, sent])) == ["created", "duplicate"]
    assert statuses(post(phone, [sent])) == ["duplicate"]
    extra = CheckEventExtra.objects.get()
    assert "支援" not in extra.signature_cipher
    signature = signatures.unpack(extra.signature_cipher)
    assert signature["text"] == "支援を受けました。"
    assert signatures.svg_path(signature) == "M1 2L30 40M5 5L5 5"
    assert len(extra.signature_hash) == 64
    history = Change.objects.filter(table="dispatch_checkeventextra").get()
    assert history.new["signature_hash"] == extra.signature_hash
    assert "signature_cipher" not in history.new


def test_history_names_who_sent_it(phone: Client) -> None:
    post(phone, [event()])
    written = Change.objects.filter(table="dispatch_checkevent").get()
    assert (written.action, written.actor_name) == ("send_check_events", "e1")


def test_two_hundred_are_taken_and_one_more_is_refused_whole(phone: Client) -> None:
    events = [event() for _ in range(200)]
    assert statuses(post(phone, events)) == ["created"] * 200
    response = post(phone, [*events, event()])
    assert response.status_code == 400
    assert "200件まで" in response.json()["detail"]
    assert CheckEvent.objects.count() == 200


def test_a_list_costs_as_many_statements_as_one_event(
    phone: Client, cast: Any, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(6):
        receive_check_events(actor=cast.expert, events=[event() for _ in range(200)])


@pytest.mark.parametrize(
    "broken",
    [
        {"event_id": "1"},
        {"event_id": None},
        {"event_id": "{0b0f9a52-58a5-4a3f-8f3a-6c1c2e7c9b10}"},
        {"event_id": ["0b0f9a52-58a5-4a3f-8f3a-6c1c2e7c9b10"]},
        {"dispatch": ""},
        {"dispatch": 1},
        {"dispatch": "D1\x00"},
        {"dispatch": "x" * 65},
        {"kind": None},
        {"kind": ["開始"]},
        {"device_time": "2026-11-20T10:00:05"},
        {"device_time": "2026-13-20T10:00:05+09:00"},
        {"device_time": "0001-01-01T00:00:00+23:59"},
        {"device_time": 1},
        {"latitude": 90.1},
        {"latitude": True},
        {"latitude": "35.6"},
        {"latitude": None},
        {"longitude": -181},
        {"accuracy": -1},
        {"fix_age": 10**12},
        {"permission": "maybe"},
        {"signer_name": "\ud800"},
        {"signer_name": "見本\n花子"},
        {"signer_name": "長" * 201},
        {"signer_name": {"a": 1}},
        {"signature": "data:image/png;base64,AAAA"},
        {"signature": {**SIGNATURE, "strokes": []}},
        {"signature": {**SIGNATURE, "strokes": [[["1", 2]]]}},
        {"signature": {**SIGNATURE, "strokes": [[[1, 2]] * 20_001]}},
        {"signature": {**SIGNATURE, "width": 0}},
        {"signature": {**SIGNATURE, "text": "\x00"}},
    ],
    ids=lambda broken: f"{next(iter(broken))}={str(next(iter(broken.values())))[:20]!a}",
)
def test_an_event_that_can_not_be_read_is_rejected_with_a_reason_alone(
    phone: Client, broken: dict[str, Any]
) -> None:
    response = post(phone, [{**event(), **broken}, event()])
    assert statuses(response) == ["rejected", "created"]
    assert response.json()[0]["reason"]


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{",
        "[1e999999999]x",
        b"\xff\xfe",
        "[NaN]",
        "{}",
        '"x"',
        "null",
        "[" * 100_000,
        "[" + "9" * 5000 + "]",
    ],
    ids=lambda body: repr(body[:12]),
)
def test_what_is_no_list_is_refused_plainly(phone: Client, body: Any) -> None:
    response = post(phone, body)
    assert response.status_code == 400
    assert response.json()["detail"]


def test_numbers_beyond_all_measure_are_refused_one_by_one(phone: Client) -> None:
    text = json.dumps([event()]).replace("35.681236", "1e-999999999")
    assert statuses(post(phone, text)) == ["rejected"]


def test_more_than_the_bound_is_refused_before_it_is_read(phone: Client) -> None:
    assert post(phone, "[" + " " * (4 * 1024 * 1024) + "]").status_code == 413


def test_nothing_is_taken_from_nobody_from_the_office_or_without_protection(cast: Any) -> None:
    assert post(Client(), [event()]).status_code == 401
    office = Client()
    office.force_login(cast.operator)
    assert post(office, [event()]).status_code == 403
    forged = Client(enforce_csrf_checks=True)
    forged.force_login(cast.expert)
    assert post(forged, [event()]).status_code == 403
    assert not CheckEvent.objects.exists()


class TestTokens:
    def send(self, text: str) -> int:
        return int(
            Client(enforce_csrf_checks=True)
            .post(
                PATH, json.dumps([event()]), "application/json", headers={"Authorization": f"Bearer {text}"}
            )
            .status_code
        )

    def test_a_token_opens_until_it_is_revoked(self, cast: Any) -> None:
        token, text = issue_token(user=cast.expert, name="携帯", days=30, actor=cast.expert)
        assert text not in str(vars(token))
        assert self.send(text) == 200
        revoke_token(token=token, actor=cast.expert)
        assert self.send(text) == 401

    def test_what_a_token_wrote_names_person_request_and_address(self, cast: Any) -> None:
        _, text = issue_token(user=cast.expert, name="携帯", days=30, actor=cast.expert)
        assert self.send(text) == 200
        written = Change.objects.filter(table="dispatch_checkevent").get()
        assert (written.actor_id, written.action, str(written.address)) == (
            cast.expert.pk, "send_check_events", "127.0.0.1",
        )  # fmt: skip
        assert len(written.request_id) == 16

    def test_a_token_is_held_to_the_networks_of_its_role_and_of_its_person(self, cast: Any) -> None:
        _, text = issue_token(user=cast.expert, name="携帯", days=30, actor=cast.expert)
        RoleNetworks.objects.create(role="expert", networks=["192.0.2.0/24"])
        assert self.send(text) == 401
        RoleNetworks.objects.update(networks=["127.0.0.0/8"])
        assert self.send(text) == 200
        cast.expert.allowed_networks = ["192.0.2.1"]
        cast.expert.save()
        assert self.send(text) == 401

    def test_an_event_costs_seven_statements_and_a_repetition_three(
        self, cast: Any, django_assert_num_queries: Any
    ) -> None:
        _, text = issue_token(user=cast.expert, name="携帯", days=30, actor=cast.expert)
        headers = {"Authorization": f"Bearer {text}"}
        sent = json.dumps([event()])
        # in a test the transactions are savepoints, each with a statement at its begin and at its end, too
        for count in (7, 3):
            with django_assert_num_queries(count):
                answer = Client().post(PATH, sent, content_type="application/json", headers=headers)
            assert answer.status_code == 200

    def test_a_token_ends(self, cast: Any) -> None:
        import time_machine

        _, text = issue_token(user=cast.expert, name="携帯", days=30, actor=cast.expert)
        with time_machine.travel(clock.now() + dt.timedelta(days=31)):
            assert self.send(text) == 401

    def test_a_stopped_account_takes_its_tokens_along(self, cast: Any) -> None:
        _, text = issue_token(user=cast.expert, name="携帯", days=30, actor=cast.expert)
        cast.expert.is_active = False
        cast.expert.save()
        assert self.send(text) == 401

    @pytest.mark.parametrize("text", ["", "x", "dsp_x", "dsp_" + "A" * 43, "a b", "\xff"])
    def test_a_wrong_token_opens_nothing(self, cast: Any, text: str) -> None:
        assert self.send(text) == 401


def test_what_was_received_can_not_be_changed(phone: Client) -> None:
    from django.db import DatabaseError, transaction

    post(phone, [event()])
    for statement in (
        "UPDATE dispatch_checkeventextra SET skew_seconds = 0",
        "DELETE FROM dispatch_checkeventextra",
    ):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


def test_the_same_event_from_two_sides_at_once_is_one(
    fresh_database: Any, django_db_blocker: Any, tell_story: Callable[[dt.date], Any]
) -> None:
    with django_db_blocker.unblock():
        cast = tell_story(dt.date(2026, 11, 20))
        rounds = [[event() for _ in range(20)] for _ in range(10)]
        found: list[list[str]] = [[], []]

        def send(side: int) -> None:
            try:
                for events in rounds:
                    # each side in its own order
                    ordered = events if side else events[::-1]
                    barrier.wait()
                    answers = receive_check_events(actor=cast.expert, events=ordered)
                    found[side] += [f"{answer.event_id} {answer.status}" for answer in answers]
            finally:
                connections.close_all()

        barrier = threading.Barrier(2, timeout=30)
        threads = [threading.Thread(target=send, args=(side,)) for side in (0, 1)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        ids = {one["event_id"] for events in rounds for one in events}
        for one in ids:
            assert sorted(line.split()[1] for side in found for line in side if line.startswith(one)) == [
                "created",
                "duplicate",
            ]
        assert CheckEvent.objects.count() == CheckEventExtra.objects.count() == len(ids)


def test_the_description_names_the_address_to_whoever_is_signed_in(phone: Client) -> None:
    assert Client().get("/api/v1/schema/").status_code == 401
    response = phone.get("/api/v1/schema/")
    assert response.status_code == 200
    described = json.loads(response.content)
    assert described["openapi"].startswith("3.")
    post_events = described["paths"]["/api/v1/check-events/"]["post"]
    assert post_events["requestBody"]["content"]["application/json"]["schema"]["type"] == "array"
    assert {"token": []} in post_events["security"]
    assert {"400", "401", "403", "413", "415"} <= set(post_events["responses"])
    assert {"200", "400", "401", "404", "406"} <= set(
        described["paths"]["/api/v1/schema/"]["get"]["responses"]
    )


def test_what_comes_after_the_payment_is_refused_alone_and_what_is_there_stays(cast: Any) -> None:
    early, late = event(), event(kind="終了", device_time="2026-11-20T12:00:05+09:00")
    receive_check_events(actor=cast.expert, events=[early])
    with acting(SYSTEM, "test"), connection.cursor() as cursor:
        # two loads and an approval in short
        for action, target in (("import", "approved"), ("schedule", "scheduled")):
            cursor.execute("SELECT set_config('app.transition', %s, true)", [action])
            cursor.execute("UPDATE dispatch_dispatch SET status = %s WHERE number = 'D1'", [target])
    other = event(dispatch="D9")
    answers = receive_check_events(actor=cast.expert, events=[early, late, other])
    assert [answer.status for answer in answers] == [Result.DUPLICATE, Result.REJECTED, Result.REJECTED]
    assert "支払の手続きに入っている" in answers[1].reason
    assert list(CheckEvent.objects.values_list("event_id", flat=True)) == [early["event_id"]]


def test_what_is_no_text_at_all_is_refused_as_a_program_reads_it(phone: Client, settings: Any) -> None:
    broken = phone.post(f"{PATH}?a=%00", "[]", content_type="application/json")
    assert (broken.status_code, broken.headers["Content-Type"]) == (400, "application/json")
    assert "文字として読めません" in broken.json()["detail"]
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10
    long = phone.post(PATH, "a=" + "b" * 50, content_type="application/x-www-form-urlencoded")
    assert (long.status_code, "分けて" in long.json()["detail"]) == (413, True)
