"""Streams the facts of a run out of the database, a batch of experts at a time, in order of expert code."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db import connection

from core.secrets import unseal
from rules.facts import NOTHING_EARLIER, Declaration, Earlier, Event, PaidVisit, Payee, TravelLine, Visit

from . import queries

# Bounds of a batch: memory stays the same however large the month is.
BATCH_EXPERTS = 500
BATCH_DISPATCHES = 4_000

Fact = TypeVar("Fact")
Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Scope:
    """Which dispatches are looked at: begun before `cutoff` (aware); of some experts (ids) or of all."""

    cutoff: dt.datetime
    experts: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """Who is paid and where to, as it stands at the calculation."""

    expert_id: int
    payee: Payee
    # this and the account number are sealed (core/secrets.py), as the payout keeps a copy of them
    account_holder_kana: str
    address: str
    invoice_number: str
    bank_kana: str
    branch_kana: str
    bank_name: str
    branch_name: str
    account_type: str
    account_number: str


@dataclass(frozen=True, slots=True)
class ExpertFacts:
    """All that the rules need of one expert; `dispatch_ids` maps 派遣番号 to the row.

    `waived` are the (派遣番号, code) that the office waived.
    """

    account: Account
    visits: tuple[Visit, ...]
    earlier: Earlier
    dispatch_ids: dict[str, int]
    waived: frozenset[tuple[str, str]]


def _rows(query: str, parameters: dict[str, Any]) -> list[Row]:
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        rows: list[Row] = cursor.fetchall()
        return rows


def expert_batches(scope: Scope) -> list[tuple[list[int], int]]:
    """The experts with candidates in order of their code, cut into batches of (expert ids, dispatches)."""
    if scope.experts is None:
        rows = _rows(queries.EXPERTS, {"cutoff": scope.cutoff})
    else:
        rows = _rows(queries.EXPERTS_NAMED, {"cutoff": scope.cutoff, "experts": list(scope.experts)})
    batches: list[tuple[list[int], int]] = []
    experts: list[int] = []
    dispatches = 0
    for expert, count in rows:
        if experts and (len(experts) >= BATCH_EXPERTS or dispatches + count > BATCH_DISPATCHES):
            batches.append((experts, dispatches))
            experts, dispatches = [], 0
        experts.append(expert)
        dispatches += count
    if experts:
        batches.append((experts, dispatches))
    return batches


def batch_facts(scope: Scope, experts: Sequence[int]) -> Iterator[ExpertFacts]:
    """The facts of each of these experts, in the order given. Nine queries, whatever the number of experts."""
    visit_rows = _rows(queries.VISITS, {"cutoff": scope.cutoff, "experts": list(experts)})
    of = {"experts": list(experts), "dispatches": [row[0] for row in visit_rows]}
    accounts = {row[0]: _account(row) for row in _rows(queries.ACCOUNTS, of)}
    earlier = _earlier(_rows(queries.EARLIER, of))
    waived: dict[int, list[str]] = defaultdict(list)
    for dispatch, code in _rows(queries.WAIVERS, of):
        waived[dispatch].append(code)
    visits: dict[int, list[Visit]] = defaultdict(list)
    dispatch_ids: dict[int, dict[str, int]] = defaultdict(dict)
    for dispatch, expert, visit in _visits(visit_rows, of):
        visits[expert].append(visit)
        dispatch_ids[expert][visit.number] = dispatch
    for expert in experts:
        if expert in visits:
            yield ExpertFacts(
                accounts[expert],
                tuple(visits[expert]),
                earlier.get(expert, NOTHING_EARLIER),
                dispatch_ids[expert],
                frozenset(
                    (number, code)
                    for number, dispatch in dispatch_ids[expert].items()
                    for code in waived.get(dispatch, ())
                ),
            )


def visit_facts(dispatch_id: int) -> Visit | None:
    """The facts of one dispatch, whatever its state; None when it has not taken place. Five queries."""
    rows = _rows(queries.ONE_VISIT, {"dispatches": [dispatch_id]})
    of = {"experts": [row[1] for row in rows], "dispatches": [row[0] for row in rows]}
    return next((visit for _, _, visit in _visits(rows, of)), None)


def _visits(visit_rows: list[Row], of: dict[str, Any]) -> Iterator[tuple[int, int, Visit]]:
    """(dispatch id, expert id, visit) of each row, with its evidence."""
    events = _grouped(queries.EVENTS, of, Event)
    declarations = _grouped(queries.DECLARATIONS, of, Declaration)
    travel_lines = _grouped(queries.TRAVEL_LINES, of, TravelLine)
    overlaps: dict[int, list[str]] = defaultdict(list)
    for dispatch, number in _rows(queries.OVERLAPS, of):
        overlaps[dispatch].append(number)
    visit: Callable[..., Visit] = Visit  # its first columns come in the order of the query
    for dispatch, expert, ordinal, *columns in visit_rows:
        yield (
            dispatch,
            expert,
            visit(
                *columns,
                tuple(events.get(dispatch, ())),
                tuple(declarations.get(dispatch, ())),
                tuple(travel_lines.get(dispatch, ())),
                ordinal,
                tuple(overlaps.get(dispatch, ())),
            ),
        )


def _grouped(query: str, parameters: dict[str, Any], fact: Callable[..., Fact]) -> dict[int, list[Fact]]:
    grouped: dict[int, list[Fact]] = defaultdict(list)
    for dispatch, *columns in _rows(query, parameters):
        grouped[dispatch].append(fact(*columns))
    return grouped


def _account(row: Row) -> Account:
    (
        expert,
        code,
        name,
        payee_class,
        subsidised,
        affiliated,
        bank,
        branch,
        bank_code,
        branch_code,
        kana,
        *rest,
    ) = row
    payee = Payee(
        code=code,
        name=name,
        payee_class=payee_class,
        subsidised_labour=subsidised,
        affiliated_codes=frozenset(affiliated),
        bank_known=bank,
        branch_known=branch,
        bank_code=bank_code,
        branch_code=branch_code,
        account_name_kana=unseal(kana),  # rules.md §5 B02 looks at its characters
    )
    return Account(expert, payee, kana, *rest)


def _earlier(rows: list[Row]) -> dict[int, Earlier]:
    fees: dict[int, dict[dt.date, int]] = defaultdict(lambda: defaultdict(int))
    per_diems: dict[int, set[dt.date]] = defaultdict(set)
    visits: dict[int, list[PaidVisit]] = defaultdict(list)
    for expert, fee, per_diem, *columns in rows:
        paid = PaidVisit(columns[0], columns[1], columns[2], columns[3], columns[4], columns[5])
        visits[expert].append(paid)
        fees[expert][paid.day] += fee
        if per_diem:
            per_diems[expert].add(paid.day)
    return {
        expert: Earlier(dict(fees[expert]), frozenset(per_diems[expert]), tuple(visits[expert]))
        for expert in visits
    }
