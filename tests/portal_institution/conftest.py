"""The stage of the institutions' pages: the same people and clients as the dispatch tests have."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.test import Client

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "dispatch"))

import stage as stages


@pytest.fixture
def stage(db: None) -> Iterator[stages.Stage]:
    """Institution, experts, clients and people on 2021-07-01, 09:00; the clock moves when told."""
    with time_machine.travel(stages.at("07-01 09:00"), tick=False) as traveller:
        yield stages.build(traveller)


@pytest.fixture
def chief(stage: stages.Stage) -> Client:
    """A browser of the chief of K1."""
    return signed_in(stage.chief)


@pytest.fixture
def other_chief(stage: stages.Stage) -> Client:
    """A browser of the chief of K2."""
    return signed_in(stage.other_chief)


def signed_in(user: Any) -> Client:
    """A browser of this person, who has just shown who they are."""
    import time

    client = Client()
    client.force_login(user)
    session = client.session
    session["confirmed_at"] = time.time()
    session.save()
    return client
