"""A renewal is prepared once a year, one at a time; its mails go to everybody once; reminders to the silent alone."""

import datetime as dt
from typing import Any

import pytest
from campaign import REMIND_ON, YEAR_END, Year, expert, timer
from django.db import IntegrityError, transaction

from accounts.models import Role, User
from core.audit.acting import SYSTEM, acting
from core.errors import DomainError, FieldErrors, NotAllowed
from core.jobs.models import Job
from core.jobs.progress import JobCancelled, Progress
from core.notify.models import Mail, Task
from core.notify.services import waiting_for
from experts.models import Expert
from experts.renewal import campaigns, sending
from experts.renewal.models import Ask, Campaign, Link, Wave
from experts.renewal.selectors import figures_by_prefecture, recipients, total_of


def mails() -> list[str]:
    return sorted(Mail.objects.filter(template="renewal").values_list("key", flat=True))


def test_everybody_registered_is_asked_by_one_mail_with_a_link_of_their_own(year: Year) -> None:
    with acting(SYSTEM, "test"):
        Expert.objects.filter(code="E3").update(valid_until=dt.date(2022, 1, 31), ended_reason="辞退")
    assert recipients().asked == 2
    campaign = year.asked()
    assert campaign.state == Campaign.State.ASKING
    assert mails() == ["renewal:2021:0:E1", "renewal:2021:0:E2"]
    mail = Mail.objects.get(key="renewal:2021:0:E1")
    assert mail.to == "e1@example.jp"
    assert not mail.keeps_body
    assert "2022年2月28日" in mail.subject
    assert "吉田 太郎 様" in mail.body
    assert year.token("E1") != year.token("E2")
    assert not Link.objects.filter(token_hash=year.token("E1")).exists()


def test_the_question_waits_on_the_experts_own_page(year: Year) -> None:
    year.asked()
    [task] = waiting_for(year.stage.experts["E1"])
    assert (task.path, task.code) == ("/expert/renewal/", sending.TASK)


def test_whoever_has_no_usable_address_is_asked_all_the_same_and_counted(year: Year) -> None:
    with acting(SYSTEM, "test"):
        Expert.objects.filter(code="E2").update(email="なし")
    wave = year.send(year.begun())
    assert (wave.mail_count, wave.no_address_count) == (2, 1)
    figures = total_of(figures_by_prefecture(wave.campaign))
    assert (figures.asked, figures.unreached, figures.silent) == (3, 1, 3)


def test_two_presses_are_one_job_and_a_job_run_twice_mails_once(year: Year) -> None:
    campaign = year.prepared()
    first, second = year.begun(campaign, "a"), year.begun(campaign, "b")
    assert first.pk == second.pk
    assert Job.objects.filter(kind=sending.KIND).count() == 1
    for _ in range(3):
        year.send(first)
    assert len(mails()) == 3
    assert Link.objects.count() == 3


def test_cancelled_in_the_middle_nobody_is_asked_and_begun_anew_everybody_once(year: Year) -> None:
    class Cancelled(Progress):
        def report(self, done: int, total: int, message: str = "") -> None:
            if done:
                raise JobCancelled

    wave = year.begun()
    with pytest.raises(JobCancelled):
        year.send(wave, Cancelled())
    assert mails() == []
    assert not Ask.objects.exists()
    assert not Task.objects.filter(code=sending.TASK).exists()
    assert Campaign.objects.get().state == Campaign.State.PREPARING
    Job.objects.update(status=Job.Status.CANCELLED)
    again = sending.send_again(wave=wave, actor=year.stage.operator)
    assert again.pk == wave.pk
    assert Job.objects.count() == 2
    year.send(again)
    assert len(mails()) == 3


def test_a_wave_whose_job_still_runs_is_not_begun_anew(year: Year) -> None:
    wave = year.begun()
    assert sending.send_again(wave=wave, actor=year.stage.operator).job_id == wave.job_id
    assert Job.objects.count() == 1


def test_a_second_campaign_is_refused_by_the_service_and_by_the_database(year: Year) -> None:
    year.prepared()
    with pytest.raises(DomainError, match="いまは始められません"):
        year.prepared()
    year.travel("2022-04-01 09:00")
    with pytest.raises(DomainError, match="締め切っていない更新"):
        year.prepared(fiscal_year=2022, answer_by=dt.date(2022, 5, 1), remind_on=())
    with pytest.raises(IntegrityError, match="renewal_campaign_one_open"), transaction.atomic():
        Campaign.objects.create(
            fiscal_year=2030, answer_by=dt.date(2031, 2, 28), prepared_by=year.stage.operator
        )


def test_the_database_keeps_one_ask_per_expert_one_wave_per_number_and_one_link_per_wave(year: Year) -> None:
    campaign = year.asked()
    ask, wave, link = year.ask(), Wave.objects.get(), Link.objects.first()
    assert link is not None
    attempts: list[tuple[str, Any]] = [
        ("renewal_ask_once", Ask(campaign=campaign, expert=ask.expert)),
        (
            "renewal_wave_number",
            Wave(campaign=campaign, number=0, key="z", asked_at=wave.asked_at, done_at=wave.asked_at),
        ),
        ("renewal_link_once_a_wave", Link(ask=link.ask, wave=wave, mail=link.mail, token_hash="x")),
    ]
    for name, row in attempts:
        with pytest.raises(IntegrityError, match=name), transaction.atomic():
            row.save()


@pytest.mark.parametrize(
    ("today", "years"),
    [
        ("2022-03-31 23:59", [2021]),
        ("2022-04-01 00:00", [2021, 2022]),
        ("2022-06-29 12:00", [2021, 2022]),
        ("2022-06-30 12:00", [2022]),
    ],
)
def test_the_years_that_may_be_renewed_change_at_midnight_in_japan(
    year: Year, today: str, years: list[int]
) -> None:
    year.travel(today)
    assert campaigns.years_to_renew() == years


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"answer_by": dt.date(2022, 2, 1), "remind_on": []}, "answer_by"),
        ({"answer_by": dt.date(2022, 5, 1)}, "answer_by"),
        ({"remind_on": [dt.date(2022, 3, 1)]}, "remind_on"),
        ({"remind_on": [dt.date(2022, 2, 1)]}, "remind_on"),
        ({"remind_on": [dt.date(2022, 2, day) for day in range(10, 16)]}, "remind_on"),
        ({"message": "あ" * 1001}, "message"),
    ],
)
def test_days_that_make_no_sense_are_refused_at_their_field(
    year: Year, values: dict[str, Any], field: str
) -> None:
    with pytest.raises(FieldErrors) as refused:
        year.prepared(**values)
    assert set(refused.value.by_field) == {field}
    assert not Campaign.objects.exists()


def test_two_windows_changing_the_days_the_second_is_told(year: Year) -> None:
    campaign = year.prepared()
    given = {"campaign": campaign, "remind_on": (), "message": "", "version": 1, "actor": year.stage.operator}
    assert campaigns.change_campaign(answer_by=dt.date(2022, 3, 10), **given).version == 2
    with pytest.raises(DomainError, match="別の画面で変わりました"):
        campaigns.change_campaign(answer_by=dt.date(2022, 3, 11), **given)
    with pytest.raises(DomainError, match="別の画面で変わりました"):
        year.begun(campaign)
    assert Campaign.objects.get().answer_by == dt.date(2022, 3, 10)


def test_a_reminder_goes_to_the_silent_alone_and_the_same_press_is_one(year: Year) -> None:
    campaign = year.asked()
    year.answer("E1")
    waves = [sending.remind(campaign=campaign, key="r", actor=year.stage.operator) for _ in range(2)]
    assert waves[0].pk == waves[1].pk
    year.send(waves[0])
    assert [key for key in mails() if ":1:" in key] == ["renewal:2021:1:E2", "renewal:2021:1:E3"]
    assert Mail.objects.get(key="renewal:2021:1:E2").subject.startswith("【再度のお願い】")
    # the link of the first mail goes on working
    assert year.token("E2", 0) != year.token("E2", 1)


def test_a_reminder_waits_for_the_first_mails_and_for_the_one_before(year: Year) -> None:
    campaign = year.prepared()
    with pytest.raises(DomainError, match="最初の案内"):
        sending.remind(campaign=campaign, key="a", actor=year.stage.operator)
    year.send(year.begun(campaign))
    campaign.refresh_from_db()
    sending.remind(campaign=campaign, key="b", actor=year.stage.operator)
    with pytest.raises(DomainError, match="前の送信"):
        sending.remind(campaign=campaign, key="c", actor=year.stage.operator)


def test_the_timer_reminds_on_its_days_once_each(year: Year) -> None:
    year.asked()
    assert timer() == 0
    year.travel(f"{REMIND_ON[0]} 09:15")
    assert [timer(), timer()] == [1, 0]
    assert timer() == 0
    year.send(Wave.objects.get(number=1))
    year.travel("2022-02-16 09:15")
    assert timer() == 0
    year.travel(f"{REMIND_ON[1]} 09:15")
    assert timer() == 1
    assert list(Wave.objects.order_by("number").values_list("planned_on", flat=True)) == [None, *REMIND_ON]


def test_of_days_missed_the_last_one_counts(year: Year) -> None:
    year.asked()
    year.travel("2022-02-27 09:15")
    assert [timer(), timer()] == [1, 0]
    assert Wave.objects.get(number=1).planned_on == REMIND_ON[1]


def test_after_the_deadline_and_when_all_have_answered_the_timer_is_silent(year: Year) -> None:
    year.asked()
    for code in ("E1", "E2", "E3"):
        year.answer(code)
    year.travel(f"{REMIND_ON[0]} 09:15")
    assert timer() == 0
    Ask.objects.update(answer="", answered_at=None, source="")
    year.travel("2022-03-01 09:15")
    assert timer() == 0


def test_nobody_without_the_right_prepares_sends_or_reminds(year: Year) -> None:
    campaign = year.prepared()
    admin = User(username="kanri", role=Role.OFFICE_ADMIN)
    for person in (admin, year.stage.chief, year.stage.experts["E1"]):
        for act in (
            lambda who=person: year.prepared(actor=who),
            lambda who=person: sending.start_campaign(campaign=campaign, version=1, key="k", actor=who),
            lambda who=person: sending.remind(campaign=campaign, key="k", actor=who),
        ):
            with pytest.raises(NotAllowed):
                act()


def test_whoever_was_registered_after_the_mails_is_not_asked_and_stays(year: Year) -> None:
    campaign = year.asked()
    with acting(SYSTEM, "test"):
        late = expert("E1")
        late.pk, late.code, late.user = None, "E9", None
        late._state.adding = True
        late.save()
    year.travel("2022-03-01 09:00")
    year.close(campaign)
    assert expert("E9").valid_until is None
    assert expert("E1").valid_until == YEAR_END


def test_no_mail_asks_for_an_answer_by_a_day_that_is_over(year: Year) -> None:
    campaign = year.prepared()
    year.travel("2022-03-01 00:00")
    with pytest.raises(DomainError, match="回答期限（2022年2月28日）が過ぎている"):
        year.begun(campaign)
    year.travel("2022-02-28 23:59")
    year.send(year.begun(campaign))
    campaign.refresh_from_db()
    year.travel("2022-03-01 00:00")
    with pytest.raises(DomainError, match="期限を延ばして"):
        sending.remind(campaign=campaign, key="r", actor=year.stage.operator)
    assert len(mails()) == 3
