"""Who acts in the story of a dispatch: an institution's chief, an expert, the office; today, in real time."""

import datetime as dt
import io
import sys
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from accounts.models import Role
from core import clock
from core.audit.acting import SYSTEM, acting

sys.path.append(str(Path(__file__).resolve().parent.parent / "dispatch"))

from stage import FILES, TOKYO

NOBODY = ("subsidised_labour", "paid_by_institution", "member_of_institution", "requested_by_expert")


def gather(site: Any) -> None:
    """Registers, amounts of today, no lead time, and the people with their passwords."""
    from core.exchange.services import load_files
    from core.programme.models import DispatchTerms
    from experts.models import Expert
    from institutions.models import Institution, Member

    result = load_files({name: io.BytesIO(text.encode()) for name, text in FILES.items()}, actor=SYSTEM)
    assert result.ok, list(result.problems)
    with acting(SYSTEM, "story"):
        DispatchTerms.objects.update(lead_days=0)
    amounts_of_today()
    chief = site.person("kikan", Role.INSTITUTION_CHIEF, display_name="機関 一郎")
    expert = site.person("yoshida", Role.EXPERT, display_name="吉田 太郎")
    site.person("tanto", Role.OFFICE_OPERATOR, display_name="担当 花子")
    site.person("shonin", Role.OFFICE_APPROVER, display_name="承認 次郎")
    with acting(SYSTEM, "story"):
        Member.objects.create(user=chief, institution=Institution.objects.get(code="K1"))
        Expert.objects.filter(code="E1").update(user=expert)


def amounts_of_today() -> None:
    """The first rule set's amounts for the days around this one, whatever month it is."""
    from core.programme.models import RuleSet
    from core.programme.services import save_rule_set

    values = RuleSet.objects.get(code="R3").values
    save_rule_set(
        code="NOW",
        name="いま",
        first_day=clock.today() - dt.timedelta(days=400),
        end_day=None,
        values={**values, "dispatch_period_to": "03-末"},
        actor=SYSTEM,
    )


def two_of_the_office(users: Any) -> None:
    """Who makes and who approves a run, where nobody signs in."""
    with acting(SYSTEM, "story"):
        users.objects.create(username="tanto", role=Role.OFFICE_OPERATOR)
        users.objects.create(username="shonin", role=Role.OFFICE_APPROVER)


def case() -> Any:
    """An open case with consent, of the chief's institution."""
    from accounts.models import User
    from dispatch.models import Company
    from dispatch.services import Consent, open_case
    from institutions.models import Institution

    return open_case(
        institution=Institution.objects.get(code="K1"),
        company=Company.objects.get(code="C1"),
        topic="創業",
        problem="販路が足りない。",
        why_not_alone="職員に経験がない。",
        actor=User.objects.get(username="kikan"),
        consent=Consent("試験 社長", "2021-1"),
    )


def planned() -> tuple[dt.datetime, dt.datetime]:
    """A visit of today that is over by now: two hours if the day is old enough, a few minutes right after midnight."""
    while (now := _this_minute()) - now.replace(hour=0, minute=0) < dt.timedelta(minutes=5):
        time.sleep(5)
    midnight = now.replace(hour=0, minute=0)
    young = now - midnight < dt.timedelta(minutes=50)
    end = now - dt.timedelta(minutes=1 if young else 10)
    return max(midnight, end - dt.timedelta(hours=2)), end


def _this_minute() -> dt.datetime:
    return clock.now().astimezone(clock.JST).replace(second=0, microsecond=0)


def fill_application(page: Page, start: dt.datetime, end: dt.datetime) -> None:
    """The application's form, answered so that no rule stands against it."""
    page.locator("#id_day").fill(f"{start:%Y-%m-%d}")
    page.locator("#id_start").fill(f"{start:%H:%M}")
    page.locator("#id_end").fill(f"{end:%H:%M}")
    page.locator("[name=method][value=対面]").check()
    page.get_by_label("支援場所", exact=False).first.fill("見本町1")
    page.locator("#id_position").fill(f"{TOKYO[0]}, {TOKYO[1]}")
    page.locator("[name=accompanied][value=yes]").check()
    for name in NOBODY:
        page.locator(f"[name={name}][value=no]").check()
