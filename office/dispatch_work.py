"""The working part of a dispatch's page: its findings with whose turn it is and what can be done, and the forms."""

import datetime as dt
from collections import Counter
from dataclasses import dataclass
from typing import Any

from accounts.models import User
from accounts.rights import may
from core import clock
from core.programme.selectors import dispatch_terms
from dispatch.models import Attestation, Declaration, Dispatch, Draft, Finding, Inquiry, StatusChange, Waiver
from dispatch.selectors import allowed_actions
from office.act_form_base import DRAFTS, ActForm, Chosen, draft_name
from office.act_forms import ACTS
from office.rule_words import Words, words_of
from office.selectors import finding_title
from office.turns import Standing, Turn, due_on, whose_turn
from rules import codes

ADVISORY = "要確認"
# How far back the same point with the same expert is counted.
_RETURNS_READ = 200
_SHOWN_RETURNS = 5


@dataclass(frozen=True, slots=True)
class Card:
    """One finding as the page shows it."""

    finding: Finding
    title: str
    words: Words
    turn: Turn
    due_on: dt.date | None
    late: bool
    waiver: Waiver | None
    inquiries: list[Inquiry]
    # how often the office asked this expert about the same point in other dispatches
    asked_before: int
    ask: ActForm | None
    end: ActForm | None
    # why the finding can't be waived by this person
    end_refused: str


@dataclass(frozen=True, slots=True)
class Act:
    """An act of the whole dispatch: its form, or why it can't be taken now."""

    code: str
    label: str
    form: ActForm | None
    why_not: str
    open: bool


@dataclass(frozen=True, slots=True)
class Failed:
    """A form that came back with errors: its place on the page and itself."""

    act: str
    target: str
    form: ActForm


def standing_of(
    dispatch: Dispatch, attestations: list[Attestation], inquiries: list[Inquiry], code: str
) -> Standing:
    """What decides whose turn a finding of this code is; from what the page has read already."""
    about = [each for each in inquiries if each.answered_at is None and each.finding_code in ("", code)]
    return Standing(
        visited_to=dispatch.visited_to,
        reported_at=dispatch.reported_at,
        attested_at=dispatch.attested_at,
        approved_at=dispatch.approved_at,
        objected=dispatch.attested_at is None and bool(attestations) and not attestations[-1].confirmed,
        asked_expert=any(each.asked_of == Inquiry.AskedOf.EXPERT for each in about),
        asked_institution=any(each.asked_of == Inquiry.AskedOf.INSTITUTION for each in about),
        asked_due_on=min((each.due_on for each in about), default=None),
    )


class Work:
    """Findings, acts and forms of one page; a fixed number of queries."""

    def __init__(self, dispatch: Dispatch, user: User, failed: Failed | None = None) -> None:
        self.dispatch, self.user, self.failed = dispatch, user, failed
        self.chosen = Chosen()
        self.placed = False
        self.attestations = list(
            Attestation.objects.visible_to(user).filter(dispatch=dispatch).order_by("answered_at", "pk")
        )
        self.inquiries = list(
            Inquiry.objects.visible_to(user)
            .filter(dispatch=dispatch)
            .select_related("asked_by", "answered_by")
            .order_by("asked_at", "pk")
        )
        self.waivers = list(
            Waiver.objects.visible_to(user)
            .filter(dispatch=dispatch)
            .select_related("waived_by", "revoked_by")
        )
        self.typed = dict(
            Draft.objects.visible_to(user)
            .filter(form=DRAFTS, object__startswith=f"{dispatch.number}:")
            .values_list("object", "values")
        )
        self.actions = {action.code: action for action in allowed_actions(dispatch, user)}

    def form(self, act: str, target: str = "", **initial: Any) -> ActForm:
        """A form of the page; the one that came back with errors where it belongs."""
        if self.failed is not None and (self.failed.act, self.failed.target) == (act, target):
            self.placed = True
            return self.failed.form
        return ACTS[act](
            dispatch=self.dispatch,
            user=self.user,
            chosen=self.chosen,
            target=target,
            initial=initial,
            typed=self.typed.get(draft_name(self.dispatch, act, target)),
        )

    def _possible(self, action: str) -> bool:
        return action in self.actions and not self.actions[action].why_not

    def cards(self) -> list[Card]:
        """The findings, the gravest first."""
        today = clock.today()
        terms = dispatch_terms(today)
        before = self._asked_before()
        order = {
            kind: place for place, kind in enumerate((*codes.FINDING_KINDS[1::-1], *codes.FINDING_KINDS[2:]))
        }
        found = Finding.objects.visible_to(self.user).filter(dispatch=self.dispatch)
        cards = []
        for finding in sorted(found, key=lambda each: (order.get(each.kind, 9), each.code)):
            standing = standing_of(self.dispatch, self.attestations, self.inquiries, finding.code)
            last_day = due_on(finding.code, standing, terms)
            end, refused = self._end(finding)
            cards.append(
                Card(
                    finding=finding,
                    title=finding_title(finding.code),
                    words=words_of(finding.code),
                    turn=whose_turn(finding.code, standing),
                    due_on=last_day,
                    late=last_day is not None and last_day < today,
                    waiver=self._waiver(finding.code),
                    inquiries=[each for each in self.inquiries if each.finding_code == finding.code],
                    asked_before=before[finding.code],
                    ask=self.form("ask", finding.code, code=finding.code)
                    if self._possible("ask_back")
                    else None,
                    end=end,
                    end_refused=refused,
                )
            )
        return cards

    def _waiver(self, code: str) -> Waiver | None:
        return next((each for each in self.waivers if each.code == code and each.revoked_at is None), None)

    def _end(self, finding: Finding) -> tuple[ActForm | None, str]:
        """The form that ends a finding by a decision, and why there is none."""
        if finding.kind == ADVISORY:
            allowed = may(self.user, "review_finding")
            return (
                (self.form("review", finding.code, code=finding.code), "")
                if allowed.allowed
                else (None, allowed.reason)
            )
        if finding.kind != codes.FINDING_HOLD or finding.code == "M01" or self._waiver(finding.code):
            return None, ""
        allowed = may(self.user, "waive_finding")
        if not allowed.allowed:
            return None, allowed.reason
        action = self.actions.get("waive")
        if action is None or action.why_not:
            return None, action.why_not if action else ""
        return self.form("waive", finding.code, code=finding.code), ""

    def _asked_before(self) -> Counter[str]:
        rows = (
            Inquiry.objects.visible_to(self.user)
            .filter(dispatch__expert=self.dispatch.expert_id)
            .exclude(dispatch=self.dispatch)
            .exclude(finding_code="")
            .order_by()
            .values_list("finding_code", "dispatch_id")
            .distinct()
        )
        return Counter(code for code, _ in rows)

    def acts(self) -> list[Act]:
        """The acts of the whole dispatch in the order of its way; those for another state say when they are possible."""
        found = []
        for act, action in (
            ("confirm", "confirm"), ("verify", "verify"), ("ask", "ask_back"), ("return", "return"),
            ("correct", "correct"), ("hold", "hold"), ("exclude", "exclude"), ("release", "release"),
            ("escalate", "escalate"),
        ):  # fmt: skip
            allowed = self.actions.get(action)
            if allowed is None or (act == "confirm" and allowed.why_not):
                continue
            form = None if allowed.why_not else self.form(act)
            failed = self.failed is not None and (self.failed.act, self.failed.target) == (act, "")
            is_open = failed or (form is not None and form.begun)
            found.append(Act(act, allowed.label, form, allowed.why_not, is_open))
        return found

    def revocations(self) -> list[dict[str, Any]]:
        """Waivers in force, each with the form that takes it back (approvers only)."""
        possible = self._possible("waive")
        return [
            {
                "waiver": waiver,
                "form": self.form("revoke", str(waiver.pk), waiver=waiver.pk) if possible else None,
            }
            for waiver in self.waivers
            if waiver.revoked_at is None
        ]

    @property
    def lost(self) -> ActForm | None:
        """A form that came back with errors and has no place on the page any more; asked after everything else."""
        return None if self.failed is None or self.placed else self.failed.form

    def declarations(self) -> list[dict[str, Any]]:
        """The declarations, each with the form that corrects it."""
        possible = self._possible("correct")
        rows = []
        for declaration in Declaration.objects.visible_to(self.user).filter(dispatch=self.dispatch):
            form = self.form("correct_declaration", declaration.cause) if possible else None
            failed = self.failed is not None and self.failed.form is form
            rows.append(
                {
                    "declaration": declaration,
                    "form": form,
                    "open": form is not None and (failed or form.begun),
                }
            )
        return rows

    def returns_of_expert(self) -> list[tuple[str, int]]:
        """Why dispatches of this expert were returned before, by reason with how often; the most frequent first."""
        reasons = (
            StatusChange.objects.visible_to(self.user)
            .filter(dispatch__expert=self.dispatch.expert_id, action="return")
            .order_by("-id")
            .values_list("reason", flat=True)[:_RETURNS_READ]
        )
        counted = Counter(part for reason in reasons for part in reason.split("、") if part)
        return counted.most_common(_SHOWN_RETURNS)
