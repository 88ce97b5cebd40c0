"""Two presses at the very same moment, each on a connection of its own: one change, one answer, one new operator."""

import datetime as dt
import re
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connections

from accounts.models import Role, User
from accounts.services import create_user
from core import clock
from core.agreements.models import Agreement, TextCode
from core.agreements.services import current_text, load_first_texts
from core.audit.acting import SYSTEM, acting
from core.errors import DomainError
from core.notify.models import Mail
from core.secrets import decrypt
from institutions.models import YOROZU, Institution, Member, OperatorAnswer, OperatorChange
from institutions.operator_change import services
from institutions.operator_change.entering import change_by_token, submit_answer
from institutions.operator_change.opening import open_successor

ENTRY = {
    "operator_name": "一般社団法人見本",
    "address": "東京都千代田区見本1-2-3",
    "phone": "03-1234-5678",
    "email": "base@example.jp",
    "chief_name": "新田 責任",
    "chief_email": "chief@example.jp",
}


@pytest.fixture
def operator(fresh_database: Any, django_db_blocker: Any) -> Any:
    """An office person, with a base to change."""
    with django_db_blocker.unblock():
        load_first_texts(actor=SYSTEM)
        with acting(SYSTEM, "test"):
            Institution.objects.create(code="Y1", name="試験よろず", kind=YOROZU, prefecture_code="13")
        yield create_user(username="tanto", role=Role.OFFICE_OPERATOR, actor=SYSTEM)


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


def started(operator: User, key: str = "k") -> OperatorChange:
    return services.start_change(
        former=Institution.objects.get(code="Y1"),
        last_day=clock.today() - dt.timedelta(days=1),
        message="",
        form_name="一般社団法人見本",
        form_person="見本 太郎",
        form_email="taro@example.jp",
        key=key,
        actor=operator,
    )


def token_of(operator: User, change: OperatorChange) -> str:
    services.send_form(change=change, version=change.version, actor=operator)
    body = decrypt(Mail.objects.get(template="operator_form").body_cipher)
    found = re.search(r"/y/([^/\s]+)/", body)
    assert found
    return found[1]


def answered(token: str) -> OperatorChange:
    change = change_by_token(token)
    assert change is not None
    version = current_text(TextCode.YOROZU_TERMS).version
    return submit_answer(change=change, entry=ENTRY, agreed=True, text_version=version)


def test_two_people_begin_one_change_of_a_base(operator: User) -> None:
    answers = at_once(lambda: started(operator, "one"), lambda: started(operator, "two"))
    refused = [answer for answer in answers if isinstance(answer, DomainError)]
    assert len(refused) == 1 and "既に始まっています" in refused[0].message
    assert OperatorChange.objects.count() == 1


def test_a_form_sent_twice_at_once_is_one_answer_and_one_agreement(operator: User) -> None:
    token = token_of(operator, started(operator))
    answers = at_once(lambda: answered(token), lambda: answered(token))
    assert not [answer for answer in answers if isinstance(answer, DomainError)]
    assert OperatorAnswer.objects.count() == Agreement.objects.count() == 1


def test_two_openings_at_once_make_one_operator(operator: User) -> None:
    change = started(operator)
    answered(token_of(operator, change))
    change.refresh_from_db()
    services.confirm_answer(change=change, version=change.version, actor=operator)
    at_once(*(lambda: services.stop_old_ids(change=change, actor=SYSTEM) for _ in range(2)))
    change.refresh_from_db()

    def opening() -> OperatorChange:
        return open_successor(change=change, code="Y1-2", name="新", version=change.version, actor=operator)

    answers = at_once(opening, opening)
    assert not [answer for answer in answers if isinstance(answer, DomainError)]
    assert Institution.objects.filter(kind=YOROZU).count() == 2
    assert Member.objects.filter(institution__code="Y1-2").count() == 1
