"""The check of everything that lies in the repository, what is noted of it, and what people know of already."""

import datetime as dt

from .repository import Repository
from .taking import alone
from .verifying import Problem, verify_all


def check_all(repository: Repository, now: dt.datetime, *, accept: bool = False) -> list[Problem]:
    """Reads everything and notes what is wrong, so that it is an alarm and nothing builds on it; answers what is wrong.

    `accept`: whoever asks knows of what is wrong now; it stays unused, but is no alarm any more.
    """
    problems = verify_all(repository)
    with alone(repository):
        accepted = {problem.place for problem in problems} if accept else accepted_places(repository)
        accepted &= {problem.place for problem in problems}
        open_ones = [problem for problem in problems if problem.place not in accepted]
        repository.note(
            verified=now.isoformat(),
            problem=" ".join(problem.words for problem in open_ones[:3]),
            damaged=" ".join(sorted({problem.damaged for problem in problems if problem.damaged})),
            accepted=" ".join(sorted(accepted)),
        )
    return problems


def accepted_places(repository: Repository) -> set[str]:
    """The places of the problems that people said they know of."""
    return set(repository.state().get("accepted", "").split())
