"""The rules applied to what the database holds, expert by expert, in order of expert code."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from core.clock import jst
from core.jobs.progress import Progress
from core.programme.selectors import RuleBook
from rules.facts import Earlier, Visit
from rules.month import ExpertMonth, calculate_expert
from rules.ruleset import RuleSet

from .facts import Account, Scope, batch_facts, expert_batches

CALCULATING = "計算しています"


@dataclass(frozen=True, slots=True)
class ExpertResult:
    """What a run does with one expert's dispatches, and the facts it followed from."""

    account: Account
    month: ExpertMonth
    visits: tuple[Visit, ...]
    earlier: Earlier
    dispatch_ids: dict[str, int]


class Calculation:
    """One calculation over a scope, with the rule sets of one moment and the rules of the payment's day."""

    def __init__(self, scope: Scope, payment_rules: RuleSet, book: RuleBook) -> None:
        self.scope = scope
        self.book = book
        self.payment_rules = payment_rules
        self.cutoff: dt.datetime = jst(scope.cutoff)

    def batches(self, progress: Progress) -> Iterator[list[ExpertResult]]:
        """The results in batches of bounded size, ordered by expert code; reports dispatches done of all."""
        batches = expert_batches(self.scope)
        total = sum(count for _, count in batches)
        done = 0
        for experts, count in batches:
            progress.report(done, total, CALCULATING)
            yield self.results(experts)
            done += count
        progress.report(total, total, CALCULATING)

    def results(self, experts: Sequence[int]) -> list[ExpertResult]:
        """The results of these experts (ids), in the order given. Nine queries, whatever their number."""
        return [
            ExpertResult(
                account=facts.account,
                month=calculate_expert(
                    facts.account.payee,
                    facts.visits,
                    facts.earlier,
                    self.cutoff,
                    self.book,
                    self.payment_rules,
                    facts.waived,
                ),
                visits=facts.visits,
                earlier=facts.earlier,
                dispatch_ids=facts.dispatch_ids,
            )
            for facts in batch_facts(self.scope, experts)
        ]
