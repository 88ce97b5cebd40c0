"""An appointment's way: conditions to everybody, an answer, one letter with one number, one acceptance."""

import datetime as dt

import pytest
from appointing import Spring, expert

from core.agreements.models import Agreement
from core.agreements.services import publish_text
from core.audit.acting import SYSTEM
from core.errors import DomainError, FieldErrors, NotAllowed
from core.jobs.models import Job
from core.jobs.progress import JobCancelled, Progress
from core.notify.models import Mail, Task
from experts.appointment import offering
from experts.appointment.answering import accept_letter
from experts.appointment.issuing import issue_all, issue_one
from experts.appointment.models import Acceptance, Appointment, Letter, Round, Sending
from experts.appointment.papers import acceptance_pdf, checksum, letter_pdf
from experts.appointment.selectors import figures, of_group
from experts.standing import end_registration

State = Appointment.State


def offers() -> list[str]:
    return sorted(Mail.objects.filter(template="appointment_offer").values_list("to", flat=True))


def open_tasks(code: str) -> list[str]:
    return list(
        Task.objects.open()
        .filter(code="appointment", person__expert__code=code)
        .values_list("title", flat=True)
    )


def test_every_registered_expert_is_offered_an_appointment_by_mail_and_task_once(spring: Spring) -> None:
    spring.travel("2022-04-02 09:00")
    end_registration(
        expert=expert("E3"), last_day=dt.date(2022, 4, 1), reason="本人の希望", actor=spring.stage.approver
    )
    sending = spring.begun()
    spring.send(sending)
    spring.send(sending)
    assert offers() == ["e1@example.jp", "e2@example.jp"]
    assert [row.state for row in Appointment.objects.all()] == [State.OFFERED] * 2
    assert open_tasks("E1") == ["委嘱条件を確認し、同意するかをお答えください"]
    assert Sending.objects.get().mail_count == 2


def test_opened_twice_by_one_press_it_is_one_round_and_one_job(spring: Spring) -> None:
    assert spring.begun().pk == spring.begun().pk
    assert Job.objects.count() == 1
    with pytest.raises(FieldErrors, match="既に始まっている"):
        spring.begun(key="another window")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("fiscal_year", 2020),
        ("first_day", dt.date(2023, 4, 1)),
        ("answer_by", dt.date(2022, 4, 1)),
        ("message", "あ" * 1001),
    ],
)
def test_a_round_with_wrong_days_is_refused_beside_the_field(
    spring: Spring, field: str, value: object
) -> None:
    with pytest.raises(FieldErrors) as refused:
        spring.begun(**{field: value})
    assert list(refused.value.by_field) == [field]
    assert not Round.objects.exists()


def test_an_expert_registered_in_mid_year_is_offered_one_alone_and_not_mailed_again(spring: Spring) -> None:
    spring.travel("2022-10-11 10:00")
    one = offering.offer_appointment(expert=expert("E1"), actor=spring.stage.approver)
    again = offering.offer_appointment(expert=expert("E1"), actor=spring.stage.approver)
    assert one is not None and again is not None and one.pk == again.pk
    assert one.first_day == dt.date(2022, 10, 11)
    assert one.last_day == dt.date(2023, 3, 31)
    assert offers() == ["e1@example.jp"]
    # the office opens the year for all afterwards: this one isn't mailed a second time
    spring.send(spring.begun(answer_by=dt.date(2022, 11, 1)))
    assert offers() == ["e1@example.jp", "e2@example.jp", "e3@example.jp"]


def test_whoever_is_registered_in_march_is_also_offered_the_year_that_is_open(spring: Spring) -> None:
    spring.travel("2022-03-20 09:00")
    spring.send(spring.begun())
    offering.offer_appointment(expert=expert("E1"), actor=SYSTEM)
    assert sorted(
        Appointment.objects.filter(expert__code="E1").values_list("round__fiscal_year", "first_day")
    ) == [
        (2021, dt.date(2022, 3, 20)),
        (2022, dt.date(2022, 4, 1)),
    ]


def test_agreement_is_recorded_with_the_version_that_was_shown(spring: Spring) -> None:
    spring.opened()
    assert spring.answer().state == State.AGREED
    assert spring.answer().state == State.AGREED  # the same press again
    found = Agreement.objects.get()
    assert (found.subject, found.text.version) == ("expert:E1:appointment:2022", "2021-1")
    assert open_tasks("E1") == []
    assert open_tasks("E2")


def test_conditions_that_became_newer_must_be_read_first(spring: Spring) -> None:
    spring.opened()
    publish_text(
        code="appointment_terms", version="2022-1", title="委嘱条件", body="新しい条件", valid_from=dt.date(2022, 4, 1), actor=SYSTEM
    )  # fmt: skip
    with pytest.raises(DomainError, match="新しくなりました"):
        spring.answer()
    assert spring.answer(text_version="2022-1").agreement.text.version == "2022-1"


def test_declining_needs_a_reason_and_can_be_taken_back_until_the_letter(spring: Spring) -> None:
    spring.opened()
    with pytest.raises(FieldErrors, match="辞退の理由"):
        spring.answer(agrees=False, reason=" ")
    assert spring.answer(agrees=False).decline_reason == "本業が忙しいため"
    assert spring.answer().state == State.AGREED
    spring.issue()
    with pytest.raises(DomainError, match="既に発行"):
        spring.answer(agrees=False)


def test_a_stale_answer_and_anothers_appointment_are_refused(spring: Spring) -> None:
    spring.opened()
    spring.answer("E2", agrees=False)
    with pytest.raises(DomainError, match="別の画面"):
        spring.answer("E2", version=1)
    with pytest.raises(NotAllowed):
        spring.answer("E2", actor=spring.stage.experts["E1"])
    with pytest.raises(NotAllowed):
        spring.answer("E1", actor=spring.stage.operator)


def test_letters_are_for_all_who_agreed_with_one_number_each_and_reproducible_bytes(spring: Spring) -> None:
    row = spring.opened()
    spring.answer("E2")
    spring.answer("E1")
    assert spring.issue() == (2, 0)
    assert issue_all(
        round=row, issued_on=dt.date(2022, 4, 1), actor=spring.stage.approver, progress=Progress()
    ) == (0, 0)
    assert list(Letter.objects.values_list("appointment__expert__code", "number")) == [("E1", 1), ("E2", 2)]
    for letter in Letter.objects.all():
        assert checksum(letter_pdf(letter)) == letter.sha256
    assert spring.letter().label == "第2022-00001号"
    assert Mail.objects.filter(template="appointment_issued").count() == 2
    assert open_tasks("E1") == ["委嘱状が届いています。就任承諾書をお送りください"]
    assert open_tasks("E3") == ["委嘱条件を確認し、同意するかをお答えください"]


def test_a_changed_name_changes_no_letter(spring: Spring) -> None:
    spring.opened()
    spring.answer()
    spring.issue()
    before = letter_pdf(spring.letter())
    row = expert()
    row.name = "別の 名前"
    row.save()
    assert letter_pdf(spring.letter()) == before


def test_pressed_twice_one_job_issues(spring: Spring) -> None:
    spring.opened()
    spring.answer()
    first = spring.queue()
    assert spring.queue(version=1).job_id == first.job_id
    with pytest.raises(FieldErrors):
        Round.objects.update(job=None)
        spring.queue(issuer_name="")


def test_nobody_agreed_nothing_is_issued_and_says_so(spring: Spring) -> None:
    spring.opened()
    with pytest.raises(DomainError, match="発行できる人はいません"):
        spring.queue()


def test_stopped_between_batches_what_is_issued_stays_and_the_next_job_goes_on(
    spring: Spring, monkeypatch: pytest.MonkeyPatch
) -> None:
    from experts.appointment import issuing

    monkeypatch.setattr(issuing, "_BATCH", 1)

    class Stops(Progress):
        def report(self, done: int, total: int, message: str = "") -> None:
            if done == 2:
                raise JobCancelled

    spring.opened()
    for code in ("E1", "E2", "E3"):
        spring.answer(code)
    with pytest.raises(JobCancelled):
        spring.issue(Stops())
    assert list(Letter.objects.values_list("number", flat=True)) == [1, 2]
    Job.objects.update(status=Job.Status.CANCELLED)
    assert spring.issue() == (1, 0)
    assert list(Letter.objects.values_list("appointment__expert__code", "number")) == [("E1", 1), ("E2", 2), ("E3", 3)]  # fmt: skip
    assert Mail.objects.filter(template="appointment_issued").count() == 3


def test_a_name_that_can_not_be_printed_gets_no_letter_and_is_listed(spring: Spring) -> None:
    row = spring.opened()
    spring.answer("E1")
    spring.answer("E2")
    wrong = expert("E1")
    wrong.name = "吉田 \U00010400"
    wrong.save()
    assert spring.issue() == (1, 1)
    assert "印字できません" in spring.one("E1").problem
    assert [each.expert.code for each in of_group(Appointment.objects.all(), "problem")] == ["E1"]
    assert figures(row).problem == 1


def test_one_letter_at_once_in_mid_year(spring: Spring) -> None:
    spring.travel("2022-10-11 10:00")
    one = offering.offer_appointment(expert=expert("E1"), actor=spring.stage.approver)
    assert one is not None
    given = {"issued_on": dt.date(2022, 10, 11), "issuer_name": "事務局", "issuer_title": "局長", "actor": spring.stage.approver}  # fmt: skip
    with pytest.raises(DomainError, match="条件への同意"):
        issue_one(appointment=one, **given)
    spring.answer()
    letter = issue_one(appointment=one, **given)
    assert issue_one(appointment=one, **given).pk == letter.pk
    assert (letter.first_day, letter.last_day) == (dt.date(2022, 10, 11), dt.date(2023, 3, 31))


def test_acceptance_is_kept_once_with_time_and_version(spring: Spring) -> None:
    row = spring.opened()
    spring.answer()
    with pytest.raises(DomainError, match="まだ発行されていません"):
        spring.accept()
    spring.issue()
    spring.travel("2022-04-05 12:34")
    accepted = spring.accept()
    spring.travel("2022-04-06 12:34")
    assert spring.accept().pk == accepted.pk
    kept = Acceptance.objects.get()
    assert kept.accepted_at == Spring.at("2022-04-05 12:34")
    assert kept.layout == 1
    assert checksum(acceptance_pdf(kept)) == kept.sha256
    assert spring.one().state == State.ACCEPTED
    assert figures(row).accepted == 1
    assert open_tasks("E1") == []
    with pytest.raises(NotAllowed):
        accept_letter(appointment=spring.one(), actor=spring.stage.experts["E2"])


def test_reminders_go_to_whoever_something_is_waited_for_and_never_twice(spring: Spring) -> None:
    row = spring.opened()
    spring.answer("E1")
    spring.issue()
    spring.answer("E2", agrees=False)
    sending = offering.remind_waiting(round=row, key="r1", actor=spring.stage.operator)
    assert offering.remind_waiting(round=row, key="r1", actor=spring.stage.operator).pk == sending.pk
    with pytest.raises(DomainError, match="まだ終わっていません"):
        offering.remind_waiting(round=row, key="r2", actor=spring.stage.operator)
    spring.send(sending)
    spring.send(sending)
    reminded = Mail.objects.filter(template="appointment_reminder").order_by("to")
    assert [(mail.to, "就任承諾書" in mail.subject) for mail in reminded] == [
        ("e1@example.jp", True),
        ("e3@example.jp", False),
    ]
    spring.accept("E1")
    spring.answer("E3")
    with pytest.raises(DomainError, match="督促は要りません"):
        offering.remind_waiting(round=row, key="r3", actor=spring.stage.operator)


def test_whose_registration_ended_gets_no_letter(spring: Spring) -> None:
    row = spring.opened()
    spring.answer("E1")
    end_registration(
        expert=expert("E1"), last_day=dt.date(2022, 4, 1), reason="退会", actor=spring.stage.approver
    )
    spring.travel("2022-04-02 09:00")
    with pytest.raises(DomainError, match="発行できる人はいません"):
        spring.queue()
    assert figures(row).ended == 1


def test_who_may_not_is_told_who_may(spring: Spring) -> None:
    with pytest.raises(NotAllowed, match="事務局の担当または承認者"):
        spring.begun(actor=spring.stage.experts["E1"])
    row = spring.opened()
    with pytest.raises(NotAllowed, match="発行できるのは"):
        spring.queue(actor=spring.stage.experts["E1"])
    with pytest.raises(NotAllowed):
        offering.remind_waiting(round=row, key="r", actor=spring.stage.experts["E1"])
