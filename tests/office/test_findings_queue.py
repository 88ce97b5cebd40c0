"""The findings queue: whose turn a finding is, counts and filters, the way through it, verifying several at once."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from desk import browser, stage, strangers, text_of
from django.db import connection
from django.test.utils import CaptureQueriesContext
from stage import Stage, at

from accounts.models import User
from core import clock
from core.audit.models import Access
from core.programme.models import DispatchTerms
from core.programme.selectors import dispatch_terms
from dispatch.models import Assessment, Attestation, Dispatch, Finding, Inquiry
from dispatch.services import answer_inquiry, ask_back, waive_finding
from office import findings_queue
from office.dispatch_work import standing_of
from office.findings_queue import Waiting, Wanted, first_number, overview, place_of, queue_page, urgent
from office.lists import PER_PAGE
from office.turns import Standing, Turn, due_on, whose_turn
from office.views import queue as queue_view
from office.views.queue import findings_waiting
from payments.services.assessment import check_month

__all__ = ["stage"]

EVERY_CODE = (
    "E01", "E05", "P01", "P02", "P03", "P04", "P05", "X01", "X06", "M01", "L01", "L03", "T02", "T07", "B01", "C01",
)  # fmt: skip
MOMENT = at("07-12 13:00")
DONE: dict[str, Any] = {
    "visited_to": MOMENT,
    "reported_at": MOMENT,
    "attested_at": MOMENT,
    "approved_at": MOMENT,
}


def standing(**changed: Any) -> Standing:
    return Standing(**{**DONE, **changed})


@pytest.mark.parametrize(
    ("code", "changed", "expected"),
    [
        ("E05", {}, Turn.OFFICE),
        ("E05", {"approved_at": None}, Turn.EXPERT),
        ("E05", {"asked_institution": True}, Turn.INSTITUTION),
        ("E05", {"asked_institution": True, "asked_expert": True}, Turn.EXPERT),
        ("P01", {"reported_at": None}, Turn.EXPERT),
        ("P02", {"attested_at": None}, Turn.CLIENT),
        ("P02", {"attested_at": None, "objected": True}, Turn.INSTITUTION),
        ("P03", {"reported_at": None, "attested_at": None, "approved_at": None}, Turn.EXPERT),
        ("P03", {"attested_at": None, "approved_at": None}, Turn.CLIENT),
        ("P03", {"attested_at": None, "approved_at": None, "objected": True}, Turn.INSTITUTION),
        ("P03", {"approved_at": None}, Turn.INSTITUTION),
        ("P04", {"approved_at": None}, Turn.INSTITUTION),
        ("P04", {}, Turn.OFFICE),
        ("T02", {"reported_at": None}, Turn.EXPERT),
        ("T07", {"approved_at": None}, Turn.OFFICE),
        ("L01", {"reported_at": None}, Turn.OFFICE),
        ("X01", {}, Turn.OFFICE),
        ("X06", {}, Turn.NOBODY),
        ("B01", {}, Turn.OFFICE),
        ("Z99", {}, Turn.OFFICE),
    ],
)
def test_whose_turn_it_is_follows_from_missing_steps_and_open_questions(
    code: str, changed: dict[str, Any], expected: Turn
) -> None:
    assert whose_turn(code, standing(**changed)) is expected


@pytest.mark.parametrize(
    ("code", "changed", "expected"),
    [
        ("P01", {"reported_at": None}, dt.date(2021, 7, 17)),
        ("P02", {"attested_at": None}, dt.date(2021, 7, 18)),
        ("P03", {"attested_at": None, "approved_at": None, "objected": True}, dt.date(2021, 7, 18)),
        ("P03", {"approved_at": None, "attested_at": at("07-14 10:00")}, dt.date(2021, 7, 21)),
        ("E05", {}, None),
        ("E05", {"approved_at": None}, None),
        ("E05", {"asked_expert": True, "asked_due_on": dt.date(2021, 7, 30)}, dt.date(2021, 7, 30)),
        ("P01", {"reported_at": None, "visited_to": None}, None),
    ],
)
def test_the_last_day_comes_from_the_terms_and_the_office_has_none(
    code: str, changed: dict[str, Any], expected: dt.date | None
) -> None:
    terms = DispatchTerms(report_days=5, attestation_days=6, approval_days=7)
    assert due_on(code, standing(**changed), terms) == expected


def waiting_rows(user: User, wanted: Wanted, first: int, count: int) -> list[Waiting]:
    """Some rows of the first page."""
    return queue_page(user, wanted)[1][first : first + count]


def give_every_code(dispatch: Dispatch) -> None:
    """Every code as if it had been found; whose turn each is doesn't depend on how it came."""
    dispatch.findings.all().delete()
    Finding.objects.bulk_create(
        Finding(dispatch=dispatch, code=code, kind="保留", reason="理由", first_seen_at=clock.now())
        for code in EVERY_CODE
    )
    Assessment.objects.update_or_create(
        dispatch=dispatch,
        defaults={
            "month": dt.date(2021, 7, 1),
            "kind": "保留",
            "codes": list(EVERY_CODE),
            "fee": 10_560,
            "travel": 0,
            "checked_at": clock.now(),
        },
    )


def four_stages(stage: Stage) -> list[Dispatch]:
    """Visited, reported, objected to, and approved ones, of four clients at four times."""
    case = {code: stage.case(code) for code in ("C1", "C2", "C3", "C4")}
    times = [(at(f"07-{day} 10:00"), at(f"07-{day} 12:00")) for day in (12, 13, 14, 15)]
    plan = [
        stage.application(case[code], planned_from=begin, planned_to=end)
        for code, (begin, end) in zip(("C1", "C2", "C3", "C4"), times, strict=True)
    ]
    confirmed = [stage.confirmed(application) for application in plan]
    stage.travel(at("07-15 13:00"))
    return [stage.checked(dispatch) for dispatch in confirmed]


def test_the_list_says_the_same_as_the_page_about_every_code_at_every_stage(stage: Stage) -> None:
    visited, reported, objected, approved = four_stages(stage)
    now = clock.now()
    Dispatch.objects.filter(pk=reported.pk).update(reported_at=now)
    Dispatch.objects.filter(pk=objected.pk).update(reported_at=now)
    Dispatch.objects.filter(pk=approved.pk).update(reported_at=now, attested_at=now, approved_at=now)
    stage.attested(objected, confirmed=False, comment="時間が違います")
    everyone = [visited, reported, objected, approved]
    for dispatch in everyone:
        give_every_code(dispatch)
    ask_back(
        dispatch=approved, asked_of="expert", question="時刻は", finding_code="E05", actor=stage.operator
    )
    ask_back(dispatch=reported, asked_of="institution", question="全体は", actor=stage.operator)
    for moment in (at("07-15 14:00"), at("07-22 09:00"), at("07-23 09:00")):
        stage.travel(moment)
        terms = dispatch_terms(clock.today())
        compared = 0
        for row in (
            *waiting_rows(stage.operator, Wanted(), 0, 50),
            *waiting_rows(stage.operator, Wanted(turn="nobody"), 0, 50),
        ):
            dispatch = Dispatch.objects.get(pk=row.dispatch_id)
            attestations = list(Attestation.objects.filter(dispatch=dispatch).order_by("answered_at"))
            inquiries = list(Inquiry.objects.filter(dispatch=dispatch))
            for found in row.findings:
                fact = standing_of(dispatch, attestations, inquiries, found["code"])
                last_day = due_on(found["code"], fact, terms)
                late = last_day is not None and last_day < clock.today()
                expected = (whose_turn(found["code"], fact), last_day, late)
                assert (found["turn"], found["due_on"], found["late"]) == expected, (dispatch, found["code"])
                compared += 1
        assert compared == len(everyone) * len(EVERY_CODE)


def test_counts_stand_by_turn_by_code_and_overdue_with_the_oldest(stage: Stage) -> None:
    visited, _, _, approved = four_stages(stage)
    Dispatch.objects.filter(pk=approved.pk).update(
        reported_at=clock.now(), attested_at=clock.now(), approved_at=clock.now()
    )
    Finding.objects.all().delete()
    old, young = at("07-15 13:00"), at("07-20 13:00")
    Finding.objects.create(dispatch=visited, code="P01", kind="未了", reason="報告", first_seen_at=old)
    Finding.objects.create(dispatch=visited, code="L01", kind="保留", reason="上限", first_seen_at=young)
    Finding.objects.create(dispatch=approved, code="L01", kind="保留", reason="上限", first_seen_at=old)
    stage.travel(at("07-25 09:00"))
    found = overview(stage.operator, Wanted())
    assert found.total == 2
    assert {turn: (group.count, group.oldest) for turn, group in found.turns.items()} == {
        "office": (2, old),
        "expert": (1, old),
    }
    assert [(group.value, group.count, group.oldest) for group in found.codes] == [
        ("L01", 2, old),
        ("P01", 1, old),
    ]
    assert found.late is not None and (found.late.count, found.late.oldest) == (1, old)
    # one filter narrows the list and the other groups, not its own
    narrow = overview(stage.operator, Wanted(code="P01"))
    assert (narrow.total, list(narrow.turns), len(narrow.codes)) == (1, ["expert"], 2)
    assert overview(stage.operator, Wanted(turn="office", code="L01")).total == 2
    assert overview(stage.operator, Wanted(late=True)).total == 1
    assert overview(stage.operator, Wanted(kind="保留")).total == 2
    assert overview(stage.operator, Wanted(month=dt.date(2021, 8, 1))).total == 0
    assert overview(stage.operator, Wanted(expert="E1")).total == 2
    assert overview(stage.operator, Wanted(expert="E2")).total == 0
    assert overview(stage.operator, Wanted(institution="K2")).total == 0
    assert overview(stage.operator, Wanted(number=visited.number)).total == 1


def test_who_may_not_see_every_finding_is_told_nothing(stage: Stage) -> None:
    give_every_code(stage.visited())
    assert overview(stage.operator, Wanted()).total == 1
    for person in strangers(stage):
        assert overview(person, Wanted()).total == 0
        assert waiting_rows(person, Wanted(), 0, 10) == []


def test_what_was_waived_or_is_over_waits_no_longer(stage: Stage) -> None:
    dispatch = stage.approved()
    Finding.objects.filter(dispatch=dispatch).delete()
    Finding.objects.create(dispatch=dispatch, code="E05", kind="保留", reason="時刻")
    assert first_number(stage.operator, Wanted()) == dispatch.number
    waive_finding(dispatch=dispatch, code="E05", reason="確かめた", actor=stage.approver)
    assert first_number(stage.operator, Wanted()) == ""


def test_the_order_is_by_age_or_amount_and_each_knows_its_neighbours(stage: Stage) -> None:
    rows = four_stages(stage)
    Finding.objects.all().delete()
    Assessment.objects.all().delete()
    for place, (dispatch, yen) in enumerate(zip(rows, (100, 400, 300, 200), strict=True)):
        Finding.objects.create(
            dispatch=dispatch,
            code="L01",
            kind="保留",
            reason="上限",
            first_seen_at=at(f"07-{16 + place} 09:00"),
        )
        Assessment.objects.create(
            dispatch=dispatch,
            month=dt.date(2021, 7, 1),
            kind="保留",
            codes=["L01"],
            fee=yen,
            checked_at=MOMENT,
        )
    by_age = [row.dispatch_id for row in waiting_rows(stage.operator, Wanted(), 0, 10)]
    assert by_age == [row.pk for row in rows]
    by_yen = [row.dispatch_id for row in waiting_rows(stage.operator, Wanted(sort="-yen"), 0, 10)]
    assert by_yen == [rows[1].pk, rows[2].pk, rows[3].pk, rows[0].pk]
    assert [row.dispatch_id for row in waiting_rows(stage.operator, Wanted(), 1, 2)] == by_age[1:3]
    first = place_of(stage.operator, Wanted(), rows[0].pk)
    assert first is not None and (first.at, first.of, first.previous, first.next) == (
        1,
        4,
        "",
        rows[1].number,
    )
    last = place_of(stage.operator, Wanted(sort="-yen"), rows[0].pk)
    assert last is not None and (last.at, last.previous, last.next) == (4, rows[3].number, "")
    assert place_of(stage.operator, Wanted(code="P01"), rows[0].pk) is None


def test_an_address_with_odd_words_asks_for_nothing_odd() -> None:
    odd = Wanted.asked(
        {
            "turn": "boss",
            "kind": "x",
            "month": "2021-13",
            "sort": "id;drop",
            "late": "yes",
            "code": "'--\x00" * 99,
        }
    )
    assert (odd.turn, odd.kind, odd.month, odd.sort, odd.late) == ("", "", None, "age", False)
    assert len(odd.code) <= 64 and "\x00" not in odd.code
    kept = Wanted.asked({"turn": "office", "month": "2021-07", "q": "D1", "sort": "-yen", "late": "1"})
    assert Wanted.asked(dict(pair.split("=") for pair in kept.address().split("&"))) == kept


def test_the_page_shows_findings_with_turn_age_and_amount_and_keeps_the_filters(stage: Stage) -> None:
    dispatch = stage.reported()
    check_month()
    page = text_of(browser(stage.operator).get("/office/queue/?turn=client"))
    assert f"/office/dispatches/{dispatch.number}/?queue=1&amp;turn=client" in page
    assert "従事証明なし" in page and "支援先の番" in page
    assert "条件に合う確認事項はありません" in text_of(browser(stage.operator).get("/office/queue/?code=B01"))
    assert browser(stage.operator).get("/office/queue/?expert=E99").status_code == 404
    assert Access.objects.filter(table="dispatch_dispatch", row_ids=[dispatch.pk]).exists()


def test_an_empty_queue_says_so(stage: Stage) -> None:
    assert "新しい確認事項が見つかると、ここに表示されます。" in text_of(
        browser(stage.operator).get("/office/queue/")
    )


def queries_of(client: Any, path: str) -> int:
    with CaptureQueriesContext(
        connection,
    ) as captured:
        assert client.get(path).status_code == 200
    return len(captured)


def test_the_queue_asks_the_same_number_of_questions_however_long_it_is(stage: Stage) -> None:
    rows = four_stages(stage)
    client = browser(stage.operator)
    give_every_code(rows[0])
    for other in rows[1:]:
        other.findings.all().delete()
    client.get("/office/queue/")
    one = queries_of(client, "/office/queue/")
    for other in rows[1:]:
        give_every_code(other)
    assert queries_of(client, "/office/queue/") == one


def test_the_start_page_leads_into_the_queue(stage: Stage) -> None:
    dispatch = stage.approved()
    stage.travel(clock.now() + dt.timedelta(minutes=1))
    check_month()
    lines = {line["url"]: line for line in findings_waiting(stage.operator)}
    assert lines["/office/queue/clean/"]["count"] == 1
    Finding.objects.create(dispatch=dispatch, code="L01", kind="保留", reason="上限")
    lines = {line["url"]: line for line in findings_waiting(stage.operator)}
    assert lines["/office/queue/?turn=office"]["count"] == 1
    assert lines["/office/queue/?turn=office"]["oldest"] is not None
    page = text_of(browser(stage.operator).get("/office/"))
    assert "確認事項（事務局の番）" in page


def test_a_question_moves_the_turn_away_and_its_answer_brings_it_back(stage: Stage) -> None:
    dispatch = stage.approved()
    Finding.objects.filter(dispatch=dispatch).delete()
    Finding.objects.create(dispatch=dispatch, code="L03", kind="保留", reason="重複")
    asked = ask_back(
        dispatch=dispatch, asked_of="expert", question="時刻は", finding_code="L03", actor=stage.operator
    )
    assert list(overview(stage.operator, Wanted()).turns) == ["expert"]
    answer_inquiry(inquiry=asked, answer="10時です", actor=stage.experts["E1"])
    assert list(overview(stage.operator, Wanted()).turns) == ["office"]


def test_several_clean_dispatches_are_verified_at_once_each_by_itself(stage: Stage) -> None:
    good, bad = stage.approved(), stage.case("C2")
    second = stage.approved(
        stage.application(bad, planned_from=at("07-20 10:00"), planned_to=at("07-20 12:00"))
    )
    stage.travel(clock.now() + dt.timedelta(minutes=1))
    check_month()
    client = browser(stage.operator)
    page = text_of(client.get("/office/queue/clean/"))
    assert good.number in page and second.number in page
    Finding.objects.create(dispatch=second, code="L01", kind="保留", reason="上限")
    answer = text_of(client.post("/office/queue/clean/", {"number": [good.number, second.number, "D-none"]}))
    assert "3件のうち1件を確認済にしました" in answer
    assert "確認事項（L01）が残っている" in answer and "見つかりません" in answer
    good.refresh_from_db()
    second.refresh_from_db()
    assert (good.status, second.status) == ("verified", "approved")
    again = text_of(client.post("/office/queue/clean/", {"number": [good.number]}))
    assert "1件のうち0件を確認済にしました" in again
    assert "確認済にする派遣を選んでください" in text_of(client.post("/office/queue/clean/"))


def test_nobody_else_verifies_from_the_list(stage: Stage) -> None:
    dispatch = stage.approved()
    check_month()
    for person in strangers(stage):
        answer = browser(person).post("/office/queue/clean/", {"number": [dispatch.number]})
        assert answer.status_code in (403, 404)
    dispatch.refresh_from_db()
    assert dispatch.status == "approved"


def test_amounts_at_stake_are_those_of_the_last_check(stage: Stage) -> None:
    dispatch = stage.reported()
    check_month()
    row = waiting_rows(stage.operator, Wanted(number=dispatch.number), 0, 1)[0]
    assert row.yen == 4 * Decimal(2640)


def test_a_page_past_the_end_is_the_last_and_a_second_page_keeps_the_filters(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = four_stages(stage)
    Finding.objects.all().delete()
    for place, dispatch in enumerate(rows):
        Finding.objects.create(
            dispatch=dispatch,
            code="L01",
            kind="保留",
            reason="上限",
            first_seen_at=at(f"07-{16 + place} 09:00"),
        )
    Finding.objects.create(dispatch=rows[0], code="X01", kind="対象外", reason="対象", first_seen_at=MOMENT)
    # pages of two, as the statement and the paginator know them
    whole = findings_queue._GROUPS.replace(f"/ {PER_PAGE}", "/ 2").replace(f"* {PER_PAGE}", "* 2")
    monkeypatch.setattr(findings_queue, "_GROUPS", whole.replace(f"LIMIT {PER_PAGE}", "LIMIT 2"))
    monkeypatch.setattr(queue_view, "PER_PAGE", 2)

    def page(number: str, **filters: Any) -> list[int]:
        found, shown = queue_page(stage.operator, Wanted(**filters), number)
        assert found.total == 4
        return [row.dispatch_id for row in shown]

    held = [row.pk for row in rows]
    assert page("2", code="L01", kind="保留") == held[2:]
    assert page("1", code="L01", turn="office") == page("x", code="L01", turn="office")
    for beyond in ("3", "99999999999999999999", "0", "-1"):
        assert page(beyond, code="L01", kind="保留") == held[2:], beyond
    assert page("2", code="L01", sort="-age") == [held[1], held[0]]
    client = browser(stage.operator)
    second = text_of(client.get("/office/queue/?code=L01&page=2"))
    assert text_of(client.get("/office/queue/?code=L01&page=77")).count("data-row") == 2
    assert rows[2].number in second and rows[0].number not in second


def test_the_start_page_counts_what_the_queue_counts(stage: Stage) -> None:
    rows = four_stages(stage)
    for dispatch in rows:
        give_every_code(dispatch)
    for moment in (at("07-15 14:00"), at("07-25 09:00")):
        stage.travel(moment)
        found, told = overview(stage.operator, Wanted()), urgent(stage.operator)
        assert (told.office.count, told.office.oldest) == (
            found.turns["office"].count,
            found.turns["office"].oldest,
        )
        assert found.late is not None
        assert (told.late.count, told.late.oldest) == (found.late.count, found.late.oldest)
    for person in strangers(stage):
        assert (urgent(person).office.count, urgent(person).late.count) == (0, 0)
