"""Two at once, on connections of their own: presses, jobs, an answer while the office closes."""

import datetime as dt
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from campaign import RENEW, registered
from django.db import connection, connections, transaction

from accounts.models import Role, User
from accounts.services import create_user
from core import clock
from core.audit.acting import SYSTEM, acting
from core.errors import DomainError
from core.jobs.models import Job
from core.jobs.progress import Progress
from core.notify.models import Mail
from experts.models import Expert
from experts.renewal import answering, campaigns, closing, sending
from experts.renewal.models import Ask, Campaign, Link, Wave
from rules.dates import fiscal_year

PEOPLE = 40


@pytest.fixture
def campaign(fresh_database: Any) -> Campaign:
    """Prepared, with forty experts; the first of them has an account."""
    registered(PEOPLE)
    maker = create_user(username="tanto", role=Role.OFFICE_OPERATOR, actor=SYSTEM)
    create_user(username="shonin", role=Role.OFFICE_APPROVER, actor=SYSTEM)
    own = create_user(username="senmonka", role=Role.EXPERT, actor=SYSTEM)
    with acting(SYSTEM, "test"):
        Expert.objects.filter(code="E00000").update(user=own)
    return campaigns.prepare_campaign(
        fiscal_year=fiscal_year(clock.today()),
        answer_by=clock.today() + dt.timedelta(days=3),
        remind_on=(),
        message="",
        actor=maker,
    )


def person(name: str) -> User:
    return User.objects.get(username=name)


def apart(work: Callable[[], Any]) -> Callable[[], Any]:
    """The work on a thread's own connection, which is closed after it."""

    def run() -> Any:
        try:
            return work()
        finally:
            connections.close_all()

    return run


def together(*works: Callable[[], Any]) -> list[Any]:
    """Does all of them at once."""
    with ThreadPoolExecutor(len(works)) as pool:
        return [each.result(120) for each in [pool.submit(apart(work)) for work in works]]


def somebody_waits() -> bool:
    """Whether another connection waits for a lock within half a minute."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            if cursor.fetchone()[0]:
                return True
        time.sleep(0.05)
    return False


def asked(campaign: Campaign) -> Campaign:
    wave = sending.start_campaign(campaign=campaign, version=1, key="k", actor=person("tanto"))
    sending.send_wave(wave=wave, actor=person("tanto"), progress=Progress())
    campaign.refresh_from_db()
    return campaign


def answered() -> Ask:
    ask = Ask.objects.select_related("campaign", "expert").get(expert__code="E00000")
    return answering.answer_on_page(
        ask=ask, said=RENEW, version=ask.version, actor=person("senmonka"), address=None, agent=""
    )


def test_four_presses_at_once_are_one_job(campaign: Campaign) -> None:
    def press() -> int:
        return sending.start_campaign(campaign=campaign, version=1, key="k", actor=person("tanto")).pk

    assert len(set(together(press, press, press, press))) == 1
    assert Wave.objects.count() == Job.objects.count() == 1


def test_four_workers_with_the_same_wave_mail_once(campaign: Campaign) -> None:
    wave = sending.start_campaign(campaign=campaign, version=1, key="k", actor=person("tanto"))

    def work() -> None:
        sending.send_wave(wave=wave, actor=person("tanto"), progress=Progress())

    together(work, work, work, work)
    assert Mail.objects.count() == Link.objects.count() == Ask.objects.count() == PEOPLE


def test_four_reminders_at_once_are_one(campaign: Campaign) -> None:
    asked(campaign)

    def press(key: str) -> str:
        try:
            sending.remind(campaign=campaign, key=key, actor=person("tanto"))
        except DomainError as refusal:
            return refusal.code
        return "begun"

    said = together(*(lambda key=key: press(key) for key in "abcd"))
    assert sorted(said) == ["begun", "sending", "sending", "sending"]
    assert Wave.objects.filter(number__gt=0).count() == 1


def test_an_answer_while_the_office_closes_waits_and_is_told_that_it_is_late(campaign: Campaign) -> None:
    asked(campaign)
    Campaign.objects.update(answer_by=clock.today() - dt.timedelta(days=1))

    def close() -> None:
        with transaction.atomic():
            closing.close_campaign(
                campaign=campaign, mark=closing.preview(campaign).mark, actor=person("shonin")
            )
            assert somebody_waits()

    def answer() -> str:
        # the closing holds the asks before this one comes
        while not _held():
            time.sleep(0.02)
        try:
            answered()
        except DomainError as refusal:
            return refusal.code
        return "answered"

    assert together(close, answer) == [None, "closed"]
    assert Expert.objects.get(code="E00000").valid_until == campaign.last_day


def test_a_closing_while_somebody_answers_waits_and_shows_the_list_again(campaign: Campaign) -> None:
    asked(campaign)
    mark = closing.preview(campaign).mark
    Campaign.objects.update(answer_by=clock.today() - dt.timedelta(days=1))

    def answer() -> None:
        with transaction.atomic():
            answered()
            assert somebody_waits()

    def close() -> str:
        while not _held():
            time.sleep(0.02)
        try:
            closing.close_campaign(campaign=campaign, mark=mark, actor=person("shonin"))
        except DomainError as refusal:
            return refusal.code
        return "closed"

    assert together(answer, close) == [None, "changed"]
    assert not Expert.objects.exclude(valid_until=None).exists()


def _held() -> bool:
    """Whether another transaction holds the first expert's ask."""
    with transaction.atomic():
        rows = Ask.objects.select_for_update(skip_locked=True, of=("self",))
        return not rows.filter(expert__code="E00000").exists()
