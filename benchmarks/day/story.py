"""Who is there and what waits for them: 43 of the office, 200 institutions, 500 experts with a visit today.

`python -m benchmarks.day.story FOLDER` fills the installation the environment names and writes FOLDER/people.json.
"""

import csv
import datetime as dt
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.generate import HEADERS, Month

OFFICE, INSTITUTIONS, EXPERTS = 43, 200, 500
# Of the month of the files: what is approved, held, or waits for the institution.
DISPATCHES = 4_000
CASES_EACH = 2
# Of institutions and experts one of so many signs in during the minutes that are measured.
SIGN_IN_EACH = 10
PASSWORD = "mainichi-no-shigoto-119"
# everybody's authenticator app; each has a counter of their own
TOTP_SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
TODAY = "P"


class DayMonth(Month):
    """A month of 500 experts in which a quarter still waits for the institution's approval."""

    def dispatches(self) -> Iterator[list[object]]:
        """As in every month; of each fourth the institution's approval is missing."""
        place = HEADERS["dispatches"].split(",").index("機関承認日時")
        owner = HEADERS["dispatches"].split(",").index("機関コード")
        for n, row in enumerate(super().dispatches()):
            row[owner] = f"K{n % INSTITUTIONS:05}"
            if n // INSTITUTIONS % 4 == 0:
                row[place] = ""
            yield row


def _visits_today(folder: Path, clients: int) -> None:
    """One confirmed dispatch for each expert, begun an hour ago."""
    folder.mkdir()
    begin = dt.datetime.now().replace(minute=0, second=0, microsecond=0) - dt.timedelta(hours=1)
    with (folder / "dispatches.csv").open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, lineterminator="\r\n")
        columns = HEADERS["dispatches"].split(",")
        writer.writerow(columns)
        for n in range(EXPERTS):
            row = dict.fromkeys(columns, "") | {
                "派遣番号": f"{TODAY}{n:06}", "機関コード": f"K{n % INSTITUTIONS:05}", "専門家コード": f"E{n:06}",
                "企業コード": f"C{n % clients:07}", "経営課題": "創業", "実施方式": "対面", "支援場所": "見本町",
                "緯度": "35.681236", "経度": "139.767125", "予定開始": f"{begin:%Y-%m-%d %H:%M}",
                "予定終了": f"{begin + dt.timedelta(hours=2):%Y-%m-%d %H:%M}",
            }  # fmt: skip
            writer.writerow([row[column] for column in columns])


def tell(folder: Path) -> dict[str, Any]:
    """Loads everything, gives everybody a login with password and authenticator, opens the cases."""
    from core.audit.acting import SYSTEM
    from core.exchange.services import load_folder
    from payments.services.assessment import check_month

    month = DayMonth(DISPATCHES, experts=EXPERTS)
    month.write(folder / "month")
    result = load_folder(folder / "month", actor=SYSTEM)
    assert result.ok, list(result.problems)[:3]
    _visits_today(folder / "today", month.companies)
    result = load_folder(folder / "today", actor=SYSTEM)
    assert result.ok, list(result.problems)[:3]
    _rules_of_today()
    people = _people()
    people["cases"] = _cases(people)
    people["sessions"] = _sessions(people)
    check_month()
    return people


def _rules_of_today() -> None:
    """The amounts and readings of the first rule set hold for this year as well."""
    from django.db.backends.postgresql.psycopg_any import DateRange

    from core import clock
    from core.audit.acting import SYSTEM, acting
    from core.programme.models import DispatchTerms, RuleSet
    from core.programme.selectors import dispatch_terms

    year = clock.today().year
    with acting(SYSTEM, "benchmark"):
        if not RuleSet.objects.filter(valid__contains=clock.today()).exists():
            first = RuleSet.objects.earliest("valid")
            span = DateRange(dt.date(year, 4, 1), dt.date(year + 2, 4, 1))
            RuleSet.objects.create(code="day", name="計測", valid=span, values=first.values)
        terms = dispatch_terms(clock.today())
        DispatchTerms.objects.filter(pk=terms.pk).update(appointment_required=False)


def _person(username: str, role: str) -> Any:
    from accounts.models import User
    from core import clock

    return User(
        username=username, role=role, password=_HASH[0], password_set_at=clock.now(), is_active=True,
        last_name="見本", first_name=username, email=f"{username.lower()}@example.jp",
    )  # fmt: skip


_HASH: list[str] = []


def _people() -> dict[str, Any]:
    from allauth.mfa.models import Authenticator
    from django.contrib.auth.hashers import make_password

    from accounts.models import User
    from core import secrets
    from core.audit.acting import SYSTEM, acting
    from experts.models import Expert
    from institutions.models import Institution, Member

    # one hash for all: making 743 takes as long as the day
    _HASH.append(make_password(PASSWORD))
    with acting(SYSTEM, "benchmark"):
        office = User.objects.bulk_create(_person(f"office{n:02}", "office_operator") for n in range(OFFICE))
        bodies = list(Institution.objects.order_by("code")[:INSTITUTIONS])
        chiefs = User.objects.bulk_create(
            _person(f"chief-{body.code}", "institution_chief") for body in bodies
        )
        Member.objects.bulk_create(
            Member(user=chief, institution=body) for chief, body in zip(chiefs, bodies, strict=True)
        )
        experts = list(Expert.objects.order_by("code")[:EXPERTS])
        users = User.objects.bulk_create(_person(expert.code, "expert") for expert in experts)
        for expert, user in zip(experts, users, strict=True):
            expert.user = user
        Expert.objects.bulk_update(experts, ["user"], batch_size=500)
        sealed = secrets.encrypt(TOTP_SECRET)
        Authenticator.objects.bulk_create(
            Authenticator(user=user, type=Authenticator.Type.TOTP, data={"secret": sealed})
            for user in (*office, *chiefs, *users)
        )
    return {
        "office": [user.username for user in office],
        "institutions": [user.username for user in chiefs],
        "experts": [{"username": user.username, "visit": f"{TODAY}{n:06}"} for n, user in enumerate(users)],
    }


def _sessions(people: dict[str, Any]) -> dict[str, str]:
    """The session of everybody who signed in before, by login: all of the office and each tenth of the others come now."""
    import time

    from django.test import Client

    from accounts.models import User
    from accounts.reauthentication import CONFIRMED_AT

    earlier = [name for n, name in enumerate(people["institutions"]) if n % SIGN_IN_EACH]
    earlier += [each["username"] for n, each in enumerate(people["experts"]) if n % SIGN_IN_EACH]
    found = {}
    for user in User.objects.filter(username__in=earlier):
        client = Client()
        client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
        session = client.session
        session[CONFIRMED_AT] = time.time()
        session["has_second_factor"] = True
        session.save()
        found[user.username] = str(session.session_key)
    return found


def _cases(people: dict[str, Any]) -> dict[str, list[str]]:
    """Open cases with consent, by the login of the institution's chief."""
    from accounts.models import User
    from dispatch.models import Company
    from dispatch.services import Consent, open_case
    from institutions.models import Institution

    chiefs = User.objects.filter(username__in=people["institutions"]).order_by("username")
    # clients nobody was at: none has used up its visits
    from core.audit.acting import SYSTEM, acting

    found: dict[str, list[str]] = {}
    for n, chief in enumerate(chiefs):
        body = Institution.objects.get(code=chief.username.removeprefix("chief-"))
        with acting(SYSTEM, "benchmark"):
            clients = Company.objects.bulk_create(
                Company(
                    code=f"N{n:04}{each}", name=f"株式会社新規{n}-{each}", prefecture_code=body.prefecture_code,
                    address="見本市1-1", phone="06-0000-0000", email=f"n{n}-{each}@example.com", industry="G",
                    employees=5, capital=3_000_000, kind="中小企業", latitude="35.681236", longitude="139.767125",
                    registered_by=body,
                )
                for each in range(CASES_EACH)
            )  # fmt: skip
        found[chief.username] = [
            open_case(
                institution=body,
                company=client,
                topic="創業",
                problem="販路が足りない。",
                why_not_alone="職員に経験がない。",
                actor=chief,
                consent=Consent("見本 社長", "1"),
            ).code
            for client in clients
        ]
    return found


def main(folder: str) -> None:
    """Fills the installation and writes people.json."""
    import django

    django.setup()
    people = tell(Path(folder))
    (Path(folder) / "people.json").write_text(json.dumps(people), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
