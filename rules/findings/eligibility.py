"""X01–X06 and M01: who gets no fee and no travel, and what the office decided (rules.md §5)."""

from __future__ import annotations

from datetime import datetime

from rules import codes
from rules.facts import Payee, Visit
from rules.findings.registry import hold, ineligible
from rules.problems import Problem
from rules.readings import PAYABLE
from rules.ruleset import RuleSet


@ineligible("X01", "人件費補助")
def subsidised_labour(
    visit: Visit, payee: Payee, rules: RuleSet | None, cutoff: datetime | None
) -> Problem | None:
    """The expert's labour is publicly subsidised."""
    if not payee.subsidised_labour:
        return None
    return Problem("専門家の人件費が公的に補助されています", "人件費補助 無", "人件費補助 有")


@ineligible("X02", "機関からの給与謝金")
def paid_by_institution(
    visit: Visit, payee: Payee, rules: RuleSet | None, cutoff: datetime | None
) -> Problem | None:
    """The institution pays the expert."""
    if not visit.paid_by_institution:
        return None
    return Problem(
        "派遣可能機関が専門家に給与・謝金を支払っています", "機関からの給与謝金 無", "機関からの給与謝金 有"
    )


@ineligible("X03", "所属機関からの派遣")
def own_institution(
    visit: Visit, payee: Payee, rules: RuleSet | None, cutoff: datetime | None
) -> Problem | None:
    """The institution is one the expert belongs to, and not of an exempt kind."""
    if visit.institution_code not in payee.affiliated_codes:
        return None
    if rules is not None and visit.institution_kind in rules.own_institution_exempt_kinds:
        return None
    return Problem(
        "専門家が所属する機関からの派遣です",
        "所属していない派遣可能機関",
        f"{visit.institution_code}（{visit.institution_kind}）に所属",
    )


@ineligible("X04", "専門家からの要請")
def requested_by_expert(
    visit: Visit, payee: Payee, rules: RuleSet | None, cutoff: datetime | None
) -> Problem | None:
    """The dispatch was requested by the expert."""
    if not visit.requested_by_expert:
        return None
    return Problem("専門家からの要請による派遣です", "専門家からの要請 無", "専門家からの要請 有")


@ineligible("X05", "WEBの事前承認なし")
def web_without_approval(
    visit: Visit, payee: Payee, rules: RuleSet | None, cutoff: datetime | None
) -> Problem | None:
    """WEB without prior approval."""
    if visit.method != codes.METHOD_WEB or visit.web_approved:
        return None
    if rules is not None and rules.web_without_approval == PAYABLE:
        return None
    return Problem("WEBによる支援の事前承認がありません", "WEB事前承認 有", "WEB事前承認 無")


@ineligible("X06", "事務局判断 対象外")
def excluded_by_office(
    visit: Visit, payee: Payee, rules: RuleSet | None, cutoff: datetime | None
) -> Problem | None:
    """The office decided 対象外, for example for a false report."""
    if visit.office_decision != codes.DECISION_INELIGIBLE:
        return None
    return Problem(
        f"事務局が対象外と判断しました: {visit.office_reason}", "事務局判断 なし", "事務局判断 対象外"
    )


@hold("M01", "事務局判断 保留")
def held_by_office(visit: Visit, payee: Payee, rules: RuleSet, cutoff: datetime | None) -> Problem | None:
    """The office decided 保留."""
    if visit.office_decision != codes.DECISION_HOLD:
        return None
    return Problem(f"事務局が保留しています: {visit.office_reason}", "事務局判断 なし", "事務局判断 保留")
