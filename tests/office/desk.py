"""The office's desk for tests of its screens: the stage of dispatches, and browsers of its people."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.test import Client

from accounts.models import Role, User
from core.audit.acting import SYSTEM, acting

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "dispatch"))

import stage as stages


@pytest.fixture
def stage(db: None, settings: Any) -> Iterator[stages.Stage]:
    """Institution, experts, clients and people on 2021-07-01, 09:00; the clock moves when told."""
    settings.MFA_REQUIRED = False
    with time_machine.travel(stages.at("07-01 09:00"), tick=False) as traveller:
        yield stages.build(traveller)


def browser(user: User) -> Client:
    """A browser in which the person is signed in."""
    client = Client()
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


def administrator() -> User:
    """One who manages accounts and rules and sees no business."""
    with acting(SYSTEM, "desk"):
        return User.objects.create(username="kanri", role=Role.OFFICE_ADMIN, email="kanri@example.jp")


def text_of(answer: Any) -> str:
    """What a page says."""
    return str(answer.content.decode())


def strangers(stage: stages.Stage) -> list[User]:
    """Everybody who has no business on the office's desk."""
    return [stage.chief, stage.other_chief, stage.experts["E1"], administrator()]
