from collections.abc import Iterator

import pytest
import stage as stages
import time_machine


@pytest.fixture
def stage(db: None) -> Iterator[stages.Stage]:
    """Institution, experts, clients and people on 2021-07-01, 09:00; the clock moves when told."""
    with time_machine.travel(stages.at("07-01 09:00"), tick=False) as traveller:
        yield stages.build(traveller)
