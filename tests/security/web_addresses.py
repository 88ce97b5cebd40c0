"""Every address there is, filled with values that exist: for tests that go through all of them."""

from dataclasses import dataclass

from rights_story import Story
from url_walk import expectations

# Where a GET ends the session or is a file of another kind.
_NOT_WALKED = frozenset({"logout", "account_logout"})


@dataclass(frozen=True)
class Address:
    """A route with one of its paths."""

    route: str
    path: str


def addresses(story: Story) -> list[Address]:
    """Each path of the table of rights once, filled from the story."""
    found: dict[str, Address] = {}
    for expected in expectations():
        if expected.route not in _NOT_WALKED:
            path = expected.path.format(**story.values)
            found.setdefault(path, Address(expected.route, path))
    return list(found.values())
