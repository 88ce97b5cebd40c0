"""What the office's screens read about months, runs and calculations; each a fixed number of queries."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.db import connection
from django.db.models import Count, F, Max, Sum

from core import clock
from core.documents.fonts import missing_characters
from core.jobs.models import Job
from core.jobs.progress import Progress
from core.programme.selectors import RuleBook
from dispatch.models import Assessment, Dispatch, Status
from rules.codes import ITEM_FEE, TRAVEL_KINDS
from rules.facts import Visit
from rules.withholding import withhold
from rules.zengin.name import informational_name
from rules.zengin.record import BANK_NAME_BYTES

from .calculation import Calculation, Scope
from .calculation.estimate import fee_and_travel, lines_of
from .calculation.facts import visit_facts
from .calculation.queries import FROZEN, JST
from .files.tables import WithholdingRow, withholding
from .models import Payout, PayoutLine, PayoutRun
from .services.account_changes import warning_of_accounts
from .services.approve import DEPENDS_ON, changed_since, changed_since_computed
from .services.dates import payment_rules
from .services.payee_changes import warning_of

Summary = dict[str, Any]

_KEYS = {
    Assessment.Kind.PAYABLE: "payable",
    Assessment.Kind.HOLD: "hold",
    Assessment.Kind.INCOMPLETE: "incomplete",
    Assessment.Kind.INELIGIBLE: "ineligible",
}
CHECK = "check_month"
# what the check looks at beside what a run depends on: paid dispatches, and what advisories go by
_LOOKED_AT = ("payments_payoutrun", "programme_dispatchterms", "dispatch_findingreview")

_PAID = f"""
SELECT date_trunc('month', d.visited_from {JST})::date, count(DISTINCT d.id), sum(l.amount)
  FROM payments_payoutrun r
  JOIN payments_payoutline l ON l.run_id = r.id
  JOIN dispatch_dispatch d ON d.id = l.dispatch_id
 WHERE r.status IN {FROZEN} AND (%(first)s::timestamptz IS NULL
       OR (d.visited_from >= %(first)s AND d.visited_from < %(end)s))
   AND d.status IN ('scheduled', 'paid')
 GROUP BY 1
"""


def _empty(month: dt.date) -> Summary:
    return {"month": month, **{key: {"count": 0, "yen": 0} for key in (*_KEYS.values(), "paid")}}


def _bounds(first: dt.date, last: dt.date) -> dict[str, dt.datetime]:
    """From the first moment of one month to that after another, as the queries take them."""
    after = (last.replace(day=1) + dt.timedelta(days=32)).replace(day=1)
    return {
        "first": clock.from_jst(dt.datetime.combine(first.replace(day=1), dt.time())),
        "end": clock.from_jst(dt.datetime.combine(after, dt.time())),
    }


def month_summary(month: dt.date) -> Summary:
    """How the dispatches that took place in a month stand: payable, hold, incomplete, ineligible, paid.

    Each is {count, yen}; the yen of what is held is what it would be paid. Two queries.
    """
    month = month.replace(day=1)
    found = _summaries(_bounds(month, month), Assessment.objects.filter(month=month))
    return found.get(month) or _empty(month)


def month_summaries(months: Sequence[dt.date] | None = None) -> list[Summary]:
    """The same for every month with dispatches that took place, newest first. Two queries.

    With `months`, the first days of months that lie together, only theirs, without a look at any other.
    """
    if months is None:
        found = _summaries({"first": None, "end": None}, Assessment.objects.all())
    elif not months:
        return []
    else:
        first, last = min(months), max(months)
        found = _summaries(_bounds(first, last), Assessment.objects.filter(month__range=(first, last)))
    return [found[month] for month in sorted(found, reverse=True)]


def _summaries(bounds: dict[str, Any], assessments: Any) -> dict[dt.date, Summary]:
    found: dict[dt.date, Summary] = {}
    counted = assessments.order_by().values("month", "kind")
    for row in counted.annotate(count=Count("pk"), yen=Sum(F("fee") + F("travel"))):
        summary = found.setdefault(row["month"], _empty(row["month"]))
        summary[_KEYS[row["kind"]]] = {"count": row["count"], "yen": row["yen"]}
    with connection.cursor() as cursor:
        cursor.execute(_PAID, bounds)
        for month, count, yen in cursor.fetchall():
            found.setdefault(month, _empty(month))["paid"] = {"count": count, "yen": int(yen)}
    return found


def _last_job() -> Job | None:
    return (
        Job.objects.filter(kind=CHECK, status=Job.Status.DONE, result__has_key="snapshot")
        .order_by("-pk")
        .first()
    )


def last_check() -> dt.datetime | None:
    """As of when the dispatches were last checked; None before the first time."""
    job = _last_job()
    if job is not None:
        return dt.datetime.fromisoformat(job.result["as_of"])
    return Assessment.objects.aggregate(last=Max("checked_at"))["last"]


def check_is_stale() -> bool:
    """Whether something that a check looks at was changed since the last one, or that one is from another day."""
    job = _last_job()
    if job is None:
        return Dispatch.objects.filter(visited_from__isnull=False).exists()
    if clock.jst(dt.datetime.fromisoformat(job.result["as_of"])).date() != clock.today():
        return True
    return changed_since(job.result["snapshot"], (*DEPENDS_ON, *_LOOKED_AT))


def visit_of(dispatch: Dispatch) -> Visit | None:
    """The facts of a dispatch as the rules take them; None when it has not taken place. Five queries."""
    return visit_facts(dispatch.pk)


def dispatch_calculation(dispatch: Dispatch) -> dict[str, Any] | None:
    """What a dispatch was paid, or would be paid as it stands now, line by line with the arithmetic.

    Keys: run (None for a preview), lines, fee, travel, total in yen, findings. None when it has not taken place or
    has ended early.
    """
    lines = list(
        PayoutLine.objects.filter(dispatch=dispatch, run__approver__isnull=False)
        .select_related("run")
        .order_by("line_no", "item")
    )
    if lines:
        lines.sort(key=lambda line: (line.item != ITEM_FEE, line.item in TRAVEL_KINDS, line.line_no))
        fee = sum(line.amount for line in lines if line.item == ITEM_FEE)
        total = sum(line.amount for line in lines)
        run = lines[0].run
        return {"run": run, "lines": lines, "fee": fee, "travel": total - fee, "total": total, "findings": []}
    if dispatch.visited_from is None or dispatch.status in (Status.CANCELLED, Status.DECLINED):
        return None
    return _preview(dispatch)


def _preview(dispatch: Dispatch) -> dict[str, Any] | None:
    book = RuleBook()
    rules = book(clock.today()) or book.newest()
    if rules is None:
        return None
    calculation = Calculation(Scope(clock.now(), (dispatch.expert_id,)), rules, book)
    for batch in calculation.batches(Progress()):
        for result in batch:
            for visit in result.visits:
                if visit.number != dispatch.number:
                    continue
                findings = [found for number, found in result.month.holds if number == visit.number]
                lines = sorted(
                    lines_of(result, visit, findings, book),
                    key=lambda line: (line.item != ITEM_FEE, line.item in TRAVEL_KINDS, line.line_no),
                )
                fee, travel = fee_and_travel(tuple(lines))
                return {
                    "run": None,
                    "lines": lines,
                    "fee": fee,
                    "travel": travel,
                    "total": fee + travel,
                    "findings": findings,
                }
    return None


def withholding_of(run: PayoutRun) -> list[WithholdingRow]:
    """What the run withholds by 源泉区分, with slip and due date."""
    return withholding(run, payment_rules(RuleBook(), run.month, run.pay_date))


def withholding_explanation(payout: Payout) -> str:
    """How the tax withheld from a payout comes about."""
    run = payout.run
    rules = payment_rules(RuleBook(), run.month, run.pay_date)
    return withhold(payout.gross, payout.payee_class, rules).explanation


def run_warnings(run: PayoutRun) -> list[str]:
    """What the approver should know of a run: late payments, names the bank file or the notices can't show, changes.

    Nothing of it stops the run.
    """
    warnings = []
    if run.status == PayoutRun.Status.COMPUTED and changed_since_computed(run):
        warnings.append(
            "計算の後にデータの変更がありました。計算結果に影響する場合は承認できないため、計算をやり直してください。"
        )
    warnings += warning_of(run)
    warnings += warning_of_accounts(run)
    rules = payment_rules(RuleBook(), run.month, run.pay_date)
    late = PayoutLine.objects.filter(
        run=run, item=ITEM_FEE, day__lt=run.pay_date - dt.timedelta(days=rules.warn_after_days)
    ).count()
    if late:
        warnings.append(f"支払日が実施日から{rules.warn_after_days}日を過ぎる派遣が {late:,}件あります。")
    payouts = list(
        Payout.objects.filter(run=run).values_list(
            "expert_code", "name", "address", "bank_kana", "branch_kana"
        )
    )
    blank = [
        code
        for code, _, _, *names in payouts
        if any(name and not informational_name(name, BANK_NAME_BYTES) for name in names)
    ]
    if blank:
        warnings.append(f"振込ファイルの銀行名・支店名が空欄になる支払先があります（{_listed(blank)}）。")
    for code, name, address, *_ in payouts:
        if missing := missing_characters(name + address):
            warnings.append(
                f"支払通知書に書けない文字があります（専門家 {code}「{missing}」）。登録を確かめてください。"
            )
    return warnings


def _listed(codes: list[str], shown: int = 5) -> str:
    rest = len(codes) - shown
    return "、".join(codes[:shown]) + (f" ほか{rest}件" if rest > 0 else "")
