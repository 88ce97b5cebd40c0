"""The 申告書 of a dispatch: which causes its evidence calls for, and why (rules.md §5 E01–E05)."""

from dataclasses import dataclass, replace

from core import clock
from core.programme.selectors import RuleBook
from dispatch.models import Declaration, Dispatch, Status
from dispatch.services import declarations_of_expert
from payments.selectors import visit_of
from rules import codes
from rules.facts import Payee, Visit
from rules.findings.registry import REGULAR
from rules.problems import Problem
from rules.ruleset import RuleSet

# the part of an address ↔ 事由
CAUSE_OF = {
    "start": codes.CAUSE_START_FORGOTTEN,
    "end": codes.CAUSE_END_FORGOTTEN,
    "time": codes.CAUSE_TIME_CORRECTION,
    "position": codes.CAUSE_POSITION,
    "signature": codes.CAUSE_SIGNATURE,
}
SLUG_OF = {cause: slug for slug, cause in CAUSE_OF.items()}
FINDING_OF = {"start": "E01", "end": "E02", "signature": "E03", "position": "E04", "time": "E05"}
WHEN = {
    "start": "チェックインを忘れた、またはできなかったとき",
    "end": "チェックアウトを忘れた、またはできなかったとき",
    "time": "記録された時刻が、実際の支援の時刻と違うとき",
    "position": "位置が記録されなかった、または支援場所と違うとき",
    "signature": "支援先の方の署名をいただけなかったとき",
}
# evidence is judged alike whoever is paid
_ANYBODY = Payee("", "", codes.PAYEE_EXEMPT, False, frozenset(), True, True, "", "", "")
_JUDGES = {check.code: check.judge for check in REGULAR if check.code in FINDING_OF.values()}


@dataclass(frozen=True, slots=True)
class Cause:
    """One 事由: whether the evidence calls for it and why, what was handed in, how often this expert did before."""

    slug: str
    cause: str
    when: str
    problem: Problem | None
    declaration: Declaration | None
    before: int

    @property
    def is_needed(self) -> bool:
        """Whether it is still to be handed in."""
        return self.problem is not None and self.declaration is None


def causes_of(dispatch: Dispatch) -> list[Cause]:
    """The five causes for a dispatch, those that are needed first. Nine queries."""
    handed_in = {declaration.cause: declaration for declaration in dispatch.declarations.all()}
    counted = declarations_of_expert(dispatch.expert_id)
    problems = _problems(dispatch)
    found = [
        Cause(
            slug,
            cause,
            WHEN[slug],
            problems.get(slug),
            handed_in.get(cause),
            counted.get(cause, 0) - (cause in handed_in),
        )
        for slug, cause in CAUSE_OF.items()
    ]
    return sorted(found, key=lambda one: (not one.is_needed, one.problem is None))


def _problems(dispatch: Dispatch) -> dict[str, Problem]:
    """What the checks would find if the declaration of the very cause weren't there."""
    visit = visit_of(dispatch)
    if visit is None:
        return _missing_ends(dispatch)
    day = visit.start.date()
    book = RuleBook()
    rules = book(day) or book.newest()
    if rules is None:
        return {}
    found = {}
    for slug, code in FINDING_OF.items():
        problem = _without(visit, CAUSE_OF[slug], code, rules)
        if problem is not None:
            found[slug] = problem
    return found


def _without(visit: Visit, cause: str, code: str, rules: RuleSet) -> Problem | None:
    bare = replace(visit, declarations=tuple(one for one in visit.declarations if one.cause != cause))
    return _JUDGES[code](bare, _ANYBODY, rules, None)


def _missing_ends(dispatch: Dispatch) -> dict[str, Problem]:
    """Before the times of the visit are known, only what is not there can be seen."""
    if dispatch.status != Status.CONFIRMED or dispatch.planned_to > clock.now():
        return {}
    there = {event.kind for event in dispatch.check_events.all()}
    found = {}
    for slug, kind, name in (("start", codes.EVENT_START, "開始"), ("end", codes.EVENT_END, "終了")):
        if kind not in there:
            found[slug] = Problem(
                f"{name}の記録がありません", f"{name}の記録、または申告（{CAUSE_OF[slug]}）", "どちらもなし"
            )
    return found
