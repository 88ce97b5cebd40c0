"""Faults put into a copy of the product, to see that walks find them: each takes a guard away where it stands."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any
from unittest import mock

from django.db import connections

Patches = Callable[[], list[Any]]


@dataclass(frozen=True)
class Fault:
    """What is broken, on which walk it shows, what is done to the database and to the code."""

    name: str
    title: str
    machine: str
    statements: tuple[str, ...] = ()
    patches: Patches = list

    @contextmanager
    def planted(self) -> Iterator[None]:
        """While this lasts the database that the connections lead to, its copies, and this process have the fault."""
        with connections["owner"].cursor() as cursor:
            for statement in self.statements:
                cursor.execute(statement)
        connections["owner"].close()
        with ExitStack() as stack:
            for patch in self.patches():
                stack.enter_context(patch)
            yield


def _one_person() -> list[Any]:
    return [mock.patch("payments.services.approve.require_two_persons")]


def _everybodys() -> list[Any]:
    from dispatch.models import DispatchQuerySet

    return [mock.patch.object(DispatchQuerySet, "visible_to", lambda self, user: self.all())]


def _paid_again() -> list[Any]:
    """Every statement of the calculation forgets what earlier runs paid: their lines, and where a dispatch stands."""
    from payments.calculation import queries

    forgetting = "d.visited_from < %(cutoff)s AND d.status NOT IN ('cancelled', 'declined')"
    return [
        mock.patch.object(module, name, text.replace(queries.CANDIDATE, forgetting))
        for path, module in sorted(sys.modules.items())
        if path.startswith("payments.")
        for name, text in sorted(vars(module).items())
        if isinstance(text, str) and queries.CANDIDATE in text
    ]


def _no_states() -> list[Any]:
    return [
        mock.patch("dispatch.services.corrections.require_status"),
        mock.patch("dispatch.services.visits.require_status"),
    ]


def _one_yen_more() -> list[Any]:
    from rules import payment

    right = payment.withhold

    def wrong(*arguments: Any) -> Any:
        withheld = right(*arguments)
        return replace(withheld, amount=withheld.amount + 1)

    return [mock.patch.object(payment, "withhold", wrong)]


def _no_rights() -> list[Any]:
    return [mock.patch("experts.registration.services.steps.require")]


def _drops(which: str) -> str:
    """Drops the triggers of which this is true."""
    return f"""
    DO $$ DECLARE found record; BEGIN
        FOR found IN SELECT tgname, tgrelid::regclass AS place FROM pg_trigger WHERE {which} LOOP
            EXECUTE format('DROP TRIGGER %I ON %s', found.tgname, found.place);
        END LOOP;
    END $$
    """


FAULTS = (
    Fault(
        "maker-approves",
        "作成者が承認できる（サービスの確認と、データベースの制約を外す）",
        "dispatches",
        ("ALTER TABLE payments_payoutrun DROP CONSTRAINT payments_run_maker_is_not_approver",),
        _one_person,
    ),
    Fault(
        "everybodys-dispatches",
        "どの派遣も誰にでも見える（可視範囲の絞り込みを外す）",
        "dispatches",
        (),
        _everybodys,
    ),
    Fault(
        "frozen-evidence",
        "承認後の証跡を書き換えられる（状態の確認と、凍結のトリガーを外す）",
        "dispatches",
        (_drops("starts_with(tgname, 'guard_frozen')"),),
        _no_states,
    ),
    Fault(
        "no-history",
        "申告書の変更が履歴に残らない（履歴のトリガーを外す）",
        "dispatches",
        (
            _drops(
                "tgrelid = 'dispatch_declaration'::regclass"
                " AND tgfoid = (SELECT oid FROM pg_proc WHERE proname = 'audit_record')"
            ),
        ),
    ),
    Fault(
        "wrong-sum",
        "支払の源泉徴収が一円違う（計算を変える）",
        "dispatches",
        (),
        _one_yen_more,
    ),
    Fault(
        "paid-again",
        "前の回で支払った派遣をもう一度支払う（支払済の除外と、一意制約を外す）",
        "dispatches",
        (
            "DROP INDEX payments_line_one_fee_per_dispatch",
            "DROP INDEX payments_line_one_per_diem_per_day",
            "ALTER TABLE payments_payoutline DROP CONSTRAINT payments_line_once",
        ),
        _paid_again,
    ),
    Fault(
        "own-approval",
        "推薦した機関の人が登録を承認できる（権限の確認を外す）",
        "registrations",
        (),
        _no_rights,
    ),
)
