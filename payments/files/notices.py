"""What each payment notice of a run says, from the run's frozen rows (exchange.md §3)."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator

from django.db import connection

from core.clock import jst
from rules.codes import ITEM_FEE, ITEM_PER_DIEM, PAYEE_CORPORATION
from rules.ruleset import RuleSet
from rules.withholding import withhold

from ..documents.notice import Notice, NoticeDispatch, NoticeLine
from ..models import Payout, PayoutRun
from .bank_file import copied_payer

CHUNK = 200
FOLDER = "notices"

LINES = """
SELECT l.payout_id, l.item, l.line_no, l.amount, l.explanation, d.number,
       f.client_name, d.visited_from, d.visited_to, coalesce(d.break_minutes, 0)
  FROM payments_payoutline l
  JOIN payments_payoutline f ON f.dispatch_id = l.dispatch_id AND f.item = '謝金'
  JOIN dispatch_dispatch d ON d.id = l.dispatch_id
 WHERE l.payout_id = ANY(%(payouts)s)
 ORDER BY d.visited_from, d.number, l.line_no
"""


def notice_name(expert_code: str) -> str:
    """`notices/支払通知書_E000001.pdf`; a slash in a code can't stand in a file's name."""
    safe = expert_code.replace("/", "／").replace("\\", "＼")
    return f"{FOLDER}/支払通知書_{safe}.pdf"


def masked(account_number: str) -> str:
    """`****567`: the last three digits of an account number."""
    return "*" * 4 + account_number.zfill(7)[-3:]


def notices(run: PayoutRun, rules: RuleSet) -> Iterator[Notice]:
    """The notice of every payout, by 専門家コード."""
    chunk: list[Payout] = []
    for payout in Payout.objects.filter(run=run).order_by("expert_code").iterator(chunk_size=CHUNK):
        chunk.append(payout)
        if len(chunk) == CHUNK:
            yield from _notices(run, chunk, rules)
            chunk = []
    yield from _notices(run, chunk, rules)


def notice_of(payout: Payout, rules: RuleSet) -> Notice:
    """The notice of one payout of an approved run."""
    return next(_notices(payout.run, [payout], rules))


def _notices(run: PayoutRun, payouts: list[Payout], rules: RuleSet) -> Iterator[Notice]:
    visits = _visits(run, [payout.pk for payout in payouts])
    payer = copied_payer(run)
    for payout in payouts:
        yield Notice(
            number=f"{run.name}-{payout.expert_code}",
            month=run.month,
            issue_date=run.pay_date,
            pay_date=run.pay_date,
            payee_code=payout.expert_code,
            payee_name=payout.name,
            payee_address=payout.address,
            payee_registration_number=payout.invoice_number,
            payer_name=payer["name"],
            payer_address=payer["address"],
            payer_phone=payer["phone"],
            payer_registration_number=payer["invoice_number"],
            dispatches=visits.get(payout.pk, ()),
            fee_total=payout.fee,
            travel_total=payout.travel,
            gross=payout.gross,
            consumption_tax=payout.consumption_tax,
            withholding=payout.withholding,
            withholding_explanation=withhold(payout.gross, payout.payee_class, rules).explanation,
            net=payout.net,
            bank_name=payout.bank_name,
            branch_name=payout.branch_name,
            account_type=payout.account_type,
            masked_account_number=masked(payout.account_number),
            account_holder_kana=payout.account_holder_kana,
            payee_honorific="御中" if payout.payee_class == PAYEE_CORPORATION else "様",
            tax_rate=rules.consumption_tax_percent,
        )


def _visits(run: PayoutRun, payouts: list[int]) -> dict[int, tuple[NoticeDispatch, ...]]:
    lines: dict[tuple[int, str], list[NoticeLine]] = defaultdict(list)
    heads: dict[tuple[int, str], tuple[str, dt.datetime, dt.datetime, int]] = {}
    with connection.cursor() as cursor:
        cursor.execute(LINES, {"payouts": payouts})
        for (
            payout,
            item,
            _line_no,
            amount,
            explanation,
            number,
            client,
            start,
            end,
            pause,
        ) in cursor.fetchall():
            lines[payout, number].append(NoticeLine(item, amount, explanation))
            heads[payout, number] = (client, jst(start), jst(end), pause)
    visits: dict[int, list[NoticeDispatch]] = defaultdict(list)
    for (payout, number), (client, start, end, pause) in heads.items():
        visits[payout].append(
            NoticeDispatch(
                number=number,
                visit_date=start.date(),
                client_name=client,
                start=start.time(),
                end=end.time(),
                minutes=int((end - start).total_seconds()) // 60 - pause,
                lines=tuple(sorted(lines[payout, number], key=_fee_first)),
            )
        )
    return {payout: tuple(listed) for payout, listed in visits.items()}


def _fee_first(line: NoticeLine) -> int:
    return {ITEM_FEE: 0, ITEM_PER_DIEM: 1}.get(line.item, 2)
