"""The four lists of a run: payouts, lines, holds, tax by payee class (exchange.md §3)."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import Count, Sum
from django.db.models.functions import Collate

from core.japan.calendar import withholding_due
from rules.ruleset import RuleSet
from rules.withholding import slip_name

from ..models import Payout, PayoutLine, PayoutRun, RunHold

CHUNK = 5_000

PAYOUTS = ("専門家コード", "氏名", "件数", "謝金", "旅費", "支払総額", "源泉徴収額", "振込額", "うち消費税")
LINES = ("専門家コード", "派遣番号", "費目", "金額", "説明")
HOLDS = ("派遣番号", "区分", "コード", "理由", "期待", "実際")
WITHHOLDING = ("納付書", "区分", "人員", "支給額", "税額", "納期限")

Row = tuple[object, ...]


def payout_rows(run: PayoutRun) -> Iterator[Row]:
    """payouts.csv, by 専門家コード; amounts in yen."""
    rows = Payout.objects.filter(run=run).order_by("expert_code")
    return rows.values_list(
        "expert_code",
        "name",
        "dispatch_count",
        "fee",
        "travel",
        "gross",
        "withholding",
        "net",
        "consumption_tax",
    ).iterator(chunk_size=CHUNK)


def line_rows(run: PayoutRun) -> Iterator[Row]:
    """payout_lines.csv, by 専門家コード, 派遣番号, 費目, line number; amounts in yen."""
    rows = PayoutLine.objects.filter(run=run)
    rows = rows.order_by("payout__expert_code", "dispatch__number", Collate("item", "C"), "line_no")
    return rows.values_list(
        "payout__expert_code", "dispatch__number", "item", "amount", "explanation"
    ).iterator(chunk_size=CHUNK)


def hold_rows(run: PayoutRun) -> Iterator[Row]:
    """holds.csv, by 派遣番号, 区分, コード."""
    rows = RunHold.objects.filter(run=run).order_by("dispatch__number", Collate("kind", "C"), "code")
    return rows.values_list("dispatch__number", "kind", "code", "reason", "expected", "actual").iterator(
        chunk_size=CHUNK
    )


@dataclass(frozen=True, slots=True)
class WithholdingRow:
    """What is withheld from one 源泉区分: on which slip, people, yen paid, yen withheld, until when it is due."""

    slip: str
    payee_class: str
    people: int
    paid: int
    tax: int
    due: dt.date | None


def withholding(run: PayoutRun, rules: RuleSet) -> list[WithholdingRow]:
    """One row per 源泉区分 that occurs; a payout of 0 yen counts too (rules.md §4)."""
    found = (
        Payout.objects.filter(run=run)
        .order_by()
        .values("payee_class")
        .annotate(people=Count("pk"), paid=Sum("gross"), tax=Sum("withholding"))
    )
    rows = []
    for row in sorted(found, key=lambda entry: str(entry["payee_class"])):
        slip = slip_name(row["payee_class"], rules)
        rows.append(
            WithholdingRow(
                slip=slip,
                payee_class=row["payee_class"],
                people=row["people"],
                paid=row["paid"],
                tax=row["tax"],
                due=withholding_due(run.pay_date) if slip else None,
            )
        )
    return rows


def withholding_rows(run: PayoutRun, rules: RuleSet) -> Iterator[Row]:
    """withholding.csv."""
    for row in withholding(run, rules):
        yield (row.slip, row.payee_class, row.people, row.paid, row.tax, row.due and row.due.isoformat())
