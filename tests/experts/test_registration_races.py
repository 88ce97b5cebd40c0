"""Two people, or two presses, at the very same moment: each on a connection of its own."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import registration_story as story
from django.db import connections

from core.errors import DomainError
from core.notify.models import Mail
from experts.models import Expert
from experts.registration.models import Registration, Submission
from experts.registration.services import (
    DuplicatesChanged,
    approve,
    pass_to_office,
    recommend,
    return_fields,
    save_entry,
    submit,
    withdraw,
)


@pytest.fixture
def people(fresh_database: Any, django_db_blocker: Any, settings: Any, tmp_path: Path) -> Any:
    settings.EVIDENCE_DIR = tmp_path / "evidence"
    with django_db_blocker.unblock():
        yield story.build()


def at_once(*acts: Callable[[], Any]) -> list[Any]:
    """What each act answered, or the refusal it met, all begun together."""
    start = threading.Barrier(len(acts))
    answers: list[Any] = [None] * len(acts)

    def run(number: int, act: Callable[[], Any]) -> None:
        try:
            start.wait()
            answers[number] = act()
        except DomainError as refusal:
            answers[number] = refusal
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def refusals(answers: list[Any]) -> list[DomainError]:
    return [answer for answer in answers if isinstance(answer, DomainError)]


def test_two_approvals_of_one_registration_make_one_expert(people: story.People) -> None:
    row, _ = story.at_office(people)
    answers = at_once(
        *(
            lambda actor=actor: approve(registration=row, actor=actor, duplicates_seen=())
            for actor in (people.operator, people.approver)
        )
    )
    assert len(refusals(answers)) == 1 and "登録済" in refusals(answers)[0].message
    assert Expert.objects.count() == 1
    assert Mail.objects.filter(template="registration_approved").count() == 1


def test_two_registrations_of_one_person_are_never_approved_unseen_at_once(people: story.People) -> None:
    first, _ = story.at_office(people)
    second, _ = story.at_office(people, candidate_email="second@example.jp")
    answers = at_once(
        *(
            lambda row=row: approve(registration=row, actor=people.operator, duplicates_seen=())
            for row in (first, second)
        )
    )
    assert [type(refusal) for refusal in refusals(answers)] == [DuplicatesChanged]
    assert Expert.objects.count() == 1


def test_different_people_approved_at_once_get_codes_of_their_own(people: story.People) -> None:
    first, _ = story.at_office(people)
    other = story.entry(
        name="別 人",
        kana="ベツ ジン",
        phone="03-9999-8888",
        address="長野県塩尻市別町9-9-9",
        account_number="7654321",
        account_holder_kana="ベツ ジン",
    )
    second, _ = story.at_office(people, other, candidate_email="second@example.jp")
    answers = at_once(
        *(
            lambda row=row: approve(registration=row, actor=people.operator, duplicates_seen=())
            for row in (first, second)
        )
    )
    assert sorted(expert.code for expert in answers) == ["E000001", "E000002"]


def test_a_recommendation_pressed_twice_at_once_is_one(people: story.People) -> None:
    values = story.interview()
    answers = at_once(
        *(lambda: recommend(institution=people.institution, actor=people.chief, **values) for _ in range(3))
    )
    assert len({row.pk for row, _ in answers}) == 1
    assert sorted(bool(token) for _, token in answers) == [False, False, True]
    assert Mail.objects.filter(template="registration_invitation").count() == 1


def test_two_colleagues_never_invite_one_address_twice(people: story.People) -> None:
    answers = at_once(
        *(
            lambda actor=actor: recommend(institution=people.institution, actor=actor, **story.interview())
            for actor in (people.chief, people.staff)
        )
    )
    assert len(refusals(answers)) == 1
    assert Registration.objects.count() == 1


def test_one_tab_wins_and_the_other_learns_of_it(people: story.People) -> None:
    _, token = story.invited(people)
    row = story.live(token)
    answers = at_once(
        *(
            lambda name=name: save_entry(registration=row, entry={"name": name}, revision=0)
            for name in ("一", "二", "三")
        )
    )
    assert len(refusals(answers)) == 2
    assert story.live(token).entry_revision == 1


def test_a_submission_pressed_twice_at_once_is_one(people: story.People) -> None:
    _, token = story.invited(people)
    row = story.live(token)
    revision = save_entry(registration=row, entry=story.entry(), revision=0)
    story.with_certificates(row)
    person, agreed = story.live(token), story.agreed()
    answers = at_once(
        *(lambda: submit(registration=person, agreed=agreed, revision=revision) for _ in range(2))
    )
    assert refusals(answers) == []
    assert Submission.objects.count() == 1


def test_passing_on_returning_and_withdrawing_at_once_do_one_thing(people: story.People) -> None:
    row, _ = story.submitted(people)
    codes = story.confirmed(row)
    answers = at_once(
        lambda: pass_to_office(registration=row, checks=codes, actor=people.staff),
        lambda: return_fields(registration=row, fields={"name": ("differs", "")}, actor=people.chief),
    )
    assert len(refusals(answers)) == 1
    row.refresh_from_db()
    assert row.state in ("office", "returned")
    assert row.returns.count() == (row.state == "returned")
    withdrawn = at_once(
        *(lambda: withdraw(registration=row, reason="二度", actor=people.chief) for _ in range(2))
    )
    assert len(refusals(withdrawn)) == 1
