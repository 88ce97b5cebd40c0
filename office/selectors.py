"""Small reads that only the office's screens need."""

from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Count, F, Q, Sum

from accounts.models import User
from core.banks.models import Bank, Branch
from core.ui.lists import containing
from dispatch.advisories import ADVISORIES
from dispatch.models import Company, Dispatch, DispatchQuerySet, Finding
from experts.models import Expert
from institutions.models import Institution
from payments.models import Payout
from rules.findings import CHECKS

# A word that more dispatches have is not gathered but met on the way through the list.
FREQUENT = 2_000

TITLES = {check.code: check.title for check in CHECKS}


def bank_names(bank_code: str, branch_code: str) -> tuple[str, str]:
    """Names of a bank and its branch; empty where the master lacks the code."""
    bank = Bank.objects.filter(code=bank_code).first()
    if bank is None:
        return "", ""
    branch = Branch.objects.filter(bank=bank, code=branch_code).first()
    return bank.name, branch.name if branch else ""


def finding_title(code: str) -> str:
    """The short title of a finding's code; the code itself for one that is no longer checked."""
    return TITLES.get(code) or (ADVISORIES[code].title if code in ADVISORIES else code)


def codes_of(user: User, **where: Any) -> list[dict[str, Any]]:
    """Open findings the person may see, by code with how many and what they hold back (yen), most frequent first."""
    rows = (
        Finding.objects.visible_to(user)
        .filter(**where)
        .order_by()
        .values("code", "kind")
        .annotate(
            count=Count("pk"),
            yen=Sum(F("dispatch__assessment__fee") + F("dispatch__assessment__travel"), default=0),
        )
    )
    found = [dict(row, title=finding_title(row["code"])) for row in rows]
    return sorted(found, key=lambda row: (row["kind"], row["code"]))


def payouts_of_year(payouts: list[Payout], year: int) -> dict[str, Any]:
    """Sums in yen of the payouts whose pay date lies in a calendar year."""
    own = [payout for payout in payouts if payout.run.pay_date.year == year]
    return {
        "year_label": f"{year}年",
        "year_gross": sum(payout.gross for payout in own),
        "year_withholding": sum(payout.withholding for payout in own),
        "year_net": sum(payout.net for payout in own),
    }


def with_words(rows: DispatchQuerySet, words: str) -> DispatchQuerySet:
    """Dispatches in which every word stands somewhere in number, expert (name, kana), client or institution.

    Of a word that few dispatches have, the named ones are looked for first and their dispatches reached by index: joined,
    every dispatch would be looked at. Of one that many have (「田」), the first ones stand near the beginning of any
    order, and gathering all of them would cost most. One query per word to tell which.
    """
    for word in words.split():
        conditions = (
            Q(expert__in=Expert.objects.order_by().filter(containing(word, "name", "kana"))),
            Q(institution__in=Institution.objects.order_by().filter(name__icontains=word)),
            Q(company__in=Company.objects.order_by().filter(name__icontains=word)),
            Q(number__icontains=word),
        )
        every = Dispatch.objects.order_by().values("pk")
        first, *others = (every.filter(condition) for condition in conditions)
        if first.union(*others, all=True)[: FREQUENT + 1].count() > FREQUENT:
            rows = rows.filter(reduce(or_, conditions))
        else:
            rows = rows.filter(pk__in=first.union(*others))
    return rows
