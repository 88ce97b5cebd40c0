"""Closing: who leaves, who stays, what the preview proves, and what goes on."""

import datetime as dt

import pytest
from campaign import DECLINE, YEAR_END, Year, expert

from core.audit.acting import SYSTEM, acting
from core.errors import DomainError, NotAllowed
from core.jobs.models import Job
from core.notify.models import Mail, Task
from experts.models import Expert
from experts.renewal import closing, sending
from experts.renewal.models import Ask, Campaign, Link
from experts.standing import is_active_on, restore_registration


def outcomes() -> dict[str, str]:
    return dict(Ask.objects.values_list("expert__code", "outcome"))


def test_declined_and_silent_leave_at_the_year_end_the_renewed_stay(year: Year) -> None:
    campaign = year.asked()
    year.answer("E1")
    year.answer("E2", DECLINE)
    year.travel("2022-03-01 09:00")
    found = closing.preview(campaign)
    assert (found.renewed, found.declined, found.silent, found.retiring) == (1, 1, 1, 2)
    closed = year.close(campaign)
    assert (closed.state, closed.closed_by) == (Campaign.State.CLOSED, year.stage.approver)
    assert expert("E1").valid_until is None
    for code, why in (("E2", "更新しないと回答"), ("E3", "回答なし")):
        person = expert(code)
        assert person.valid_until == YEAR_END
        assert why in person.ended_reason
        assert is_active_on(person, YEAR_END)
        assert not is_active_on(person, YEAR_END + dt.timedelta(days=1))
        assert person.user is not None
        assert person.user.is_active
    assert outcomes() == {"E1": "renewed", "E2": "retired", "E3": "retired"}
    assert set(Mail.objects.filter(template="renewal_ended").values_list("to", flat=True)) == {
        "e2@example.jp",
        "e3@example.jp",
    }
    assert not Task.objects.open().filter(code=sending.TASK).exists()
    assert not Link.objects.filter(ended_at=None).exists()


@pytest.mark.parametrize(("moment", "closable"), [("2022-02-28 23:59", False), ("2022-03-01 00:00", True)])
def test_while_somebody_is_silent_it_closes_only_after_the_deadline_in_japan(
    year: Year, moment: str, closable: bool
) -> None:
    campaign = year.asked()
    year.travel(moment)
    if closable:
        year.close(campaign)
    else:
        with pytest.raises(DomainError, match="未回答の人がいる間"):
            year.close(campaign)
    assert (expert("E1").valid_until == YEAR_END) is closable


def test_when_all_have_answered_it_closes_at_once(year: Year) -> None:
    campaign = year.asked()
    for code in ("E1", "E2", "E3"):
        year.answer(code)
    assert year.close(campaign).state == Campaign.State.CLOSED
    assert not Expert.objects.exclude(valid_until=None).exists()


def test_closed_after_the_year_has_ended_the_last_day_is_the_years(year: Year) -> None:
    campaign = year.asked()
    year.travel("2022-04-05 09:00")
    year.close(campaign)
    assert expert("E1").valid_until == YEAR_END
    assert not is_active_on(expert("E1"), dt.date(2022, 4, 5))


def test_an_answer_since_the_preview_stops_the_closing(year: Year) -> None:
    campaign = year.asked()
    year.travel("2022-03-01 09:00")
    mark = closing.preview(campaign).mark
    year.answer("E1")
    with pytest.raises(DomainError, match=r"いま登録が終わるのは 2人です"):
        year.close(campaign, mark=mark)
    assert expert("E2").valid_until is None
    year.close(campaign)
    assert expert("E1").valid_until is None


def test_an_exception_with_a_reason_keeps_a_registration_and_can_be_taken_back(year: Year) -> None:
    campaign = year.asked()
    ask = closing.exempt(
        ask=year.ask("E1"), reason="入院中と家族から連絡", version=1, actor=year.stage.operator
    )
    with pytest.raises(DomainError, match="別の画面"):
        closing.exempt(ask=ask, reason="", version=1, actor=year.stage.operator)
    two = closing.exempt(ask=year.ask("E2"), reason="誤り", version=1, actor=year.stage.operator)
    closing.exempt(ask=two, reason="", version=2, actor=year.stage.operator)
    with pytest.raises(DomainError, match="理由がありません"):
        closing.exempt(ask=year.ask("E3"), reason=" ", version=1, actor=year.stage.operator)
    renewed = year.answer("E3")
    with pytest.raises(DomainError, match="例外は要りません"):
        closing.exempt(ask=renewed, reason="念のため", version=2, actor=year.stage.operator)
    year.travel("2022-03-01 09:00")
    assert closing.preview(campaign).exempt == 1
    year.close(campaign)
    assert outcomes() == {"E1": "exempt", "E2": "retired", "E3": "renewed"}
    assert expert("E1").valid_until is None
    with pytest.raises(DomainError, match="締め切りました"):
        closing.exempt(ask=year.ask("E2"), reason="遅い", version=3, actor=year.stage.operator)


def test_whoever_ended_before_keeps_that_day(year: Year) -> None:
    campaign = year.asked()
    with acting(SYSTEM, "test"):
        Expert.objects.filter(code="E3").update(valid_until=dt.date(2022, 2, 10), ended_reason="死亡")
    year.travel("2022-03-01 09:00")
    assert closing.preview(campaign).ended == 1
    year.close(campaign)
    assert (expert("E3").valid_until, expert("E3").ended_reason) == (dt.date(2022, 2, 10), "死亡")
    assert outcomes()["E3"] == "ended"


def test_only_the_approver_closes_and_twice_is_once(year: Year) -> None:
    campaign = year.asked()
    year.travel("2022-03-01 09:00")
    with pytest.raises(NotAllowed, match="承認者"):
        year.close(campaign, actor=year.stage.operator)
    mark = closing.preview(campaign).mark
    for _ in range(2):
        year.close(campaign, mark=mark)
    assert Mail.objects.filter(template="renewal_ended").count() == 3


def test_not_before_the_mails_and_not_while_they_are_sent(year: Year) -> None:
    campaign = year.prepared()
    year.travel("2022-03-01 09:00")
    with pytest.raises(DomainError, match="まだ案内を送っていません"):
        year.close(campaign)
    year.travel("2022-02-01 09:00")
    year.send(year.begun(campaign))
    campaign.refresh_from_db()
    sending.remind(campaign=campaign, key="r", actor=year.stage.operator)
    year.travel("2022-03-01 09:00")
    with pytest.raises(DomainError, match="送信の途中"):
        year.close(campaign)


def test_a_wave_begun_before_closing_mails_nobody_after_it(year: Year) -> None:
    campaign = year.asked()
    wave = sending.remind(campaign=campaign, key="r", actor=year.stage.operator)
    Campaign.objects.update(
        state="closed", closed_at=year.at("2022-03-01 09:00"), closed_by=year.stage.approver
    )
    with pytest.raises(DomainError, match="締め切りました"):
        year.send(wave)
    assert Mail.objects.filter(template="renewal").count() == 3
    assert Job.objects.count() == 2


def test_one_for_whom_an_answer_came_late_is_restored_and_asked_again_next_year(year: Year) -> None:
    campaign = year.asked()
    year.travel("2022-03-01 09:00")
    year.close(campaign)
    restore_registration(expert=expert("E1"), reason="3月2日 本人から継続の申し出", actor=year.stage.approver)
    year.travel("2023-02-01 09:00")
    second = year.prepared(fiscal_year=2022, answer_by=dt.date(2023, 2, 28), remind_on=())
    year.send(year.begun(second, "next"))
    assert list(Ask.objects.filter(campaign=second).values_list("expert__code", flat=True)) == ["E1"]
