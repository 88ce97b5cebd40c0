"""The data everybody works on: months to close, dispatches of tomorrow to check in to, people with sessions."""

import csv
import datetime as dt
import itertools
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.generate import HEADERS, Month, Visit

# One month per kind of fault; all of one programme year, each with clients of its own (a client's visits a year are
# limited).
MONTHS = ("2021-05", "2021-06", "2021-07", "2021-08", "2021-09", "2021-10", "2021-11", "2021-12")
PER_MONTH = 400
COMING = 1_600
EXPERTS = PER_MONTH // 8
UPLOADERS = 2


def pay_date(month: str) -> dt.date:
    """A banking day about a month later."""
    from core.japan.calendar import next_bank_day

    first = dt.date.fromisoformat(f"{month}-01")
    return next_bank_day((first + dt.timedelta(days=45)).replace(day=20))


class OwnClients(Month):
    """A month whose clients are no other month's."""

    def __init__(self, place: int) -> None:
        super().__init__(PER_MONTH, MONTHS[place])
        self._first = place * PER_MONTH

    def visits(self) -> Iterator[Visit]:
        """The same visits at other clients."""
        for visit in super().visits():
            yield visit._replace(company=visit.company + self._first)

    def companies_(self) -> Iterator[list[object]]:
        """The clients of this month."""
        for n, row in enumerate(super().companies_()):
            yield [f"C{n + self._first:07}", *row[1:]]


def coming_number(n: int) -> str:
    """The nth dispatch that is still to come."""
    return f"P{n:07}"


def _coming(folder: Path) -> None:
    folder.mkdir()
    with (folder / "dispatches.csv").open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, lineterminator="\r\n")
        columns = HEADERS["dispatches"].split(",")
        writer.writerow(columns)
        for n in range(COMING):
            day = dt.date(2026, 12, 1) + dt.timedelta(days=n // EXPERTS)
            row = dict.fromkeys(columns, "") | {
                "派遣番号": coming_number(n), "機関コード": f"K{n % 300:05}", "専門家コード": f"E{n % EXPERTS:06}",
                "企業コード": f"C{n % (PER_MONTH // 2):07}", "経営課題": "創業", "実施方式": "対面", "支援場所": "見本町",
                "緯度": "35.681236", "経度": "139.767125", "予定開始": f"{day} 10:00", "予定終了": f"{day} 12:00",
            }  # fmt: skip
            writer.writerow([row[column] for column in columns])


@dataclass(frozen=True)
class People:
    """Cookies of sessions and tokens of phones, by expert code."""

    maker: dict[str, str]
    checker: dict[str, str]
    experts: dict[str, dict[str, str]]
    tokens: dict[str, str]


def tell(folder: Path) -> People:
    """Loads everything and lets people in. Runs in a process whose Django is set up on the instance."""
    from core.audit.acting import SYSTEM
    from core.exchange.services import load_folder

    for place in range(len(MONTHS)):
        where = folder / MONTHS[place]
        OwnClients(place).write(where)
        result = load_folder(where, actor=SYSTEM)
        assert result.ok, list(result.problems)[:3]
    _coming(folder / "coming")
    result = load_folder(folder / "coming", actor=SYSTEM)
    assert result.ok, list(result.problems)[:3]
    return _people()


def _people() -> People:
    from accounts.models import Role, User
    from accounts.services import create_user
    from core.audit.acting import SYSTEM, acting
    from experts.models import Expert
    from portal_expert.tokens import issue_token

    maker = create_user(username="tanto", role=Role.OFFICE_OPERATOR, actor=SYSTEM)
    checker = create_user(username="shonin", role=Role.OFFICE_APPROVER, actor=SYSTEM)
    experts = list(Expert.objects.order_by("code")[:EXPERTS])
    users: dict[str, User] = {}
    with acting(SYSTEM, "benchmark"):
        for expert in experts:
            users[expert.code] = User.objects.create(
                username=expert.code, role=Role.EXPERT, email=f"{expert.code.lower()}@example.jp"
            )
            expert.user = users[expert.code]
        Expert.objects.bulk_update(experts, ["user"])
    phones = itertools.islice(users.items(), 20)
    tokens = {code: issue_token(user=user, name="phone", days=2, actor=SYSTEM)[1] for code, user in phones}
    return People(
        _session(maker),
        _session(checker),
        {code: _session(user) for code, user in itertools.islice(users.items(), UPLOADERS + 1)},
        tokens,
    )


def _session(user: object) -> dict[str, str]:
    """A sign-in that stands: signing in itself is not what is measured."""
    import time

    from django.conf import settings
    from django.test import Client

    from accounts.reauthentication import CONFIRMED_AT

    client = Client()
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")  # type: ignore[arg-type]
    session = client.session
    session[CONFIRMED_AT] = time.time()
    session["has_second_factor"] = True
    session.save()
    return {settings.SESSION_COOKIE_NAME: str(session.session_key)}


def main(folder: str) -> None:
    """`python -m benchmarks.faults.story FOLDER`: fills the instance the environment names; prints the people."""
    import django

    django.setup()
    people = tell(Path(folder))
    print(json.dumps(people.__dict__))


if __name__ == "__main__":
    main(sys.argv[1])
