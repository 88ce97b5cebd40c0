"""What the pages of clients read; a fixed number of queries each."""

import re
import unicodedata
from collections.abc import Iterable
from typing import Any

from django.db.models import Count, F, Func, Q, QuerySet, Value

from accounts.models import User
from core.japan.addresses import whole_address
from core.japan.industries import INDUSTRIES
from core.japan.prefectures import BY_CODE
from core.ui.lists import containing
from dispatch.models import Case, Company, Dispatch
from dispatch.services import DuplicateHint

_DIGITS = Func(F("phone"), Value("[^0-9]"), Value(""), Value("g"), function="regexp_replace")


def plain_words(text: str) -> str:
    """Words as they are stored: full width letters and digits become plain ones."""
    return unicodedata.normalize("NFKC", text).strip()[:200]


def clients(user: User, *, words: str = "", prefecture: str = "", kind: str = "") -> QuerySet[Company]:
    """The clients this person may see, by name, code, corporate number or telephone (however it is written)."""
    rows = Company.objects.visible_to(user)
    words = plain_words(words)
    if words:
        found = containing(words, "name", "code", "corporate_number", "address")
        number = re.sub(r"[-‐−ー()\s]", "", words)
        if number.isdecimal() and len(number) >= 4:
            rows = rows.annotate(digits=_DIGITS)
            found |= Q(digits__contains=number)
        rows = rows.filter(found)
    if prefecture:
        rows = rows.filter(prefecture_code=prefecture)
    if kind:
        rows = rows.filter(kind=kind)
    return rows


def tell_of(rows: Iterable[Any], user: User) -> None:
    """Adds to each client of a page: names of prefecture and industry, its open cases, its dispatches. Two queries."""
    rows = list(rows)
    ids = [row.pk for row in rows]
    cases = _counts(Case.objects.visible_to(user).filter(state=Case.State.OPEN, company__in=ids))
    dispatches = _counts(Dispatch.objects.visible_to(user).filter(company__in=ids))
    for row in rows:
        name_codes(row)
        row.open_cases, row.dispatch_count = cases.get(row.pk, 0), dispatches.get(row.pk, 0)


def _counts(rows: QuerySet[Any]) -> dict[int, int]:
    return dict(rows.order_by().values_list("company").annotate(count=Count("pk")))


def name_codes(row: Any) -> None:
    """Adds what the codes of a client mean."""
    row.prefecture_name = (
        BY_CODE[row.prefecture_code].name if row.prefecture_code in BY_CODE else row.prefecture_code
    )
    row.whole_address = whole_address(row.prefecture_code, row.address)
    row.industry_name = INDUSTRIES.get(row.industry, row.industry)


def cases_of(company: Company, user: User) -> list[Case]:
    """The person's own cases of a client, the latest first, each with its number of dispatches. One query."""
    return list(
        Case.objects.visible_to(user)
        .filter(company=company)
        .annotate(dispatch_count=Count("applications"))
        .order_by("state", "-code")[:50]
    )


def hints_for(user: User, hints: list[DuplicateHint]) -> list[dict[str, Any]]:
    """Probable duplicates as a page shows them: of clients the person may not see, name and prefecture only."""
    seen = set(
        Company.objects.visible_to(user)
        .filter(pk__in=[hint.company.pk for hint in hints])
        .values_list("pk", flat=True)
    )
    for hint in hints:
        name_codes(hint.company)
    return [
        {"company": hint.company, "reasons": hint.reasons, "is_seen": hint.company.pk in seen}
        for hint in hints
    ]
