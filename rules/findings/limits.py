"""L01–L03: number of dispatches, dispatch period, overlaps (rules.md §5)."""

from __future__ import annotations

from datetime import datetime

from rules.dates import fiscal_year
from rules.facts import Payee, Visit
from rules.findings.registry import hold
from rules.problems import Problem
from rules.ruleset import RuleSet
from rules.wording import day


@hold("L01", "派遣回数の上限")
def over_limit(visit: Visit, payee: Payee, rules: RuleSet, cutoff: datetime | None) -> Problem | None:
    """Beyond the client's limit of the fiscal year, without 上限例外承認."""
    limit = rules.limit_for(visit.topic)
    if visit.client_ordinal is None or visit.client_ordinal <= limit or visit.limit_exception:
        return None
    year = fiscal_year(visit.start.date())
    return Problem(
        f"支援先への{year}年度の派遣回数が上限を超えています",
        f"{limit}回まで、または上限例外承認",
        f"{visit.client_ordinal}回目",
    )


@hold("L02", "派遣期間の外")
def outside_period(visit: Visit, payee: Payee, rules: RuleSet, cutoff: datetime | None) -> Problem | None:
    """実施開始 outside the dispatch period of its fiscal year."""
    start = visit.start.date()
    first, last = rules.dispatch_period(fiscal_year(start))
    if first <= start <= last:
        return None
    return Problem("実施日が派遣期間の外です", f"{day(first)}～{day(last)}", day(start))


def no_rule_set(visit: Visit) -> Problem:
    """L02 on a day for which no rule set is in force; nothing else but 対象外 can be judged then."""
    return Problem("実施日に有効な規程がありません", "規程のある日の実施", day(visit.start.date()))


@hold("L03", "他の派遣と重複")
def overlapping(visit: Visit, payee: Payee, rules: RuleSet, cutoff: datetime | None) -> Problem | None:
    """実施 overlaps another dispatch of the same expert; both are held."""
    if not visit.overlaps:
        return None
    return Problem(
        "同じ専門家の他の派遣と実施時間が重なっています",
        "重なりなし",
        f"{'、'.join(sorted(visit.overlaps))} と重複",
    )
