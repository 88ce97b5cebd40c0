"""Two presses at the very same moment ask the client once."""

import threading
from typing import Any

import pytest
import time_machine
from django.db import connections
from stage import at, build

from core.errors import DomainError
from core.notify.models import Mail
from dispatch.services import issue_attestation_link


@pytest.fixture
def visited(fresh_database: Any, django_db_blocker: Any) -> Any:
    with django_db_blocker.unblock(), time_machine.travel(at("07-01 09:00"), tick=False) as traveller:
        stage = build(traveller)
        yield stage, stage.visited()


def test_two_presses_at_once_send_one_mail(visited: Any) -> None:
    stage, dispatch = visited
    before, start, answers = Mail.objects.count(), threading.Barrier(2), []

    def press() -> None:
        start.wait()
        try:
            issue_attestation_link(dispatch=dispatch, channel="mail", actor=stage.chief, seen=1)
            answers.append("sent")
        except DomainError as refusal:
            answers.append(refusal.code)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=press) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == ["sent", "stale"]
    assert Mail.objects.count() == before + 1
