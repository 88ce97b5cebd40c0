"""The payment notice (支払通知書): what an expert is paid and why, on paper; works as 仕入明細書.

`Notice` holds everything the page shows; `notice_pdf` draws it. Amounts are whole yen, tax included.
Sources: exchange.md §3, reference/money.md §4 (contents of a 仕入明細書).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import BinaryIO

from core.documents.fonts import missing_characters
from core.documents.sheet import Sheet
from core.documents.wording import year_month
from payments.documents.notice_page import NoticePages


@dataclass(frozen=True, slots=True)
class NoticeLine:
    """One amount with the arithmetic that leads to it (yen)."""

    item: str
    amount: int
    explanation: str


@dataclass(frozen=True, slots=True)
class NoticeDispatch:
    """One visit and what it earns; an end not after the start is on the next day."""

    number: str
    visit_date: dt.date
    client_name: str
    start: dt.time
    end: dt.time
    minutes: int
    lines: tuple[NoticeLine, ...]

    @property
    def amount(self) -> int:
        """Fee and travel of the visit (yen)."""
        return sum(line.amount for line in self.lines)


@dataclass(frozen=True, slots=True)
class Notice:
    """Everything a payment notice shows. The account number comes masked; totals agree with the lines."""

    number: str
    month: dt.date
    issue_date: dt.date
    pay_date: dt.date
    payee_code: str
    payee_name: str
    payee_address: str
    payee_registration_number: str
    payer_name: str
    payer_address: str
    payer_phone: str
    payer_registration_number: str
    dispatches: tuple[NoticeDispatch, ...]
    fee_total: int
    travel_total: int
    gross: int
    consumption_tax: int
    withholding: int
    withholding_explanation: str
    net: int
    bank_name: str
    branch_name: str
    account_type: str
    masked_account_number: str
    account_holder_kana: str
    payee_honorific: str = "様"
    tax_rate: int = 10
    consumption_tax_explanation: str = ""
    objection_days: int = 7
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        lines = sum(dispatch.amount for dispatch in self.dispatches)
        if not (lines == self.fee_total + self.travel_total == self.gross == self.net + self.withholding):
            raise ValueError(
                f"支払通知書 {self.number} の金額が一致しません（明細計 {lines}円、"
                f"謝金 {self.fee_total}円、旅費 {self.travel_total}円、支払総額 {self.gross}円、"
                f"源泉徴収 {self.withholding}円、差引 {self.net}円）。"
            )
        if sum(char.isdigit() for char in self.masked_account_number) > 3:
            raise ValueError(f"支払通知書 {self.number} の口座番号は末尾3桁以外を伏せてください。")

    @property
    def objection_until(self) -> dt.date:
        """The last day on which the payee may object."""
        return self.issue_date + dt.timedelta(days=self.objection_days)

    @property
    def tax_explanation(self) -> str:
        """How the consumption tax in the gross follows from it (rules.md §4), unless told otherwise."""
        if self.consumption_tax_explanation:
            return self.consumption_tax_explanation
        return f"{self.gross:,}円 × {self.tax_rate} ÷ {100 + self.tax_rate}（1円未満切捨て）"


def notice_missing_characters(notice: Notice) -> str:
    """The characters on this notice that no document font has; asked before the run, settled by a person."""
    texts = [
        notice.payee_name,
        notice.payee_address,
        notice.payer_name,
        notice.payer_address,
        notice.bank_name,
        notice.branch_name,
        notice.account_holder_kana,
        *notice.notes,
    ]
    for dispatch in notice.dispatches:
        texts += [dispatch.client_name, *(line.explanation for line in dispatch.lines)]
    return missing_characters("".join(texts))


def notice_pdf(notice: Notice) -> bytes:
    """The notice as a PDF; the same notice always gives the same bytes."""
    sheet = Sheet(
        title=f"支払通知書（仕入明細書） {notice.number}",
        author=notice.payer_name,
        subject=f"{year_month(notice.month)}分 {notice.payee_code}",
        dated=notice.issue_date,
    )
    NoticePages(sheet, notice).draw()
    return sheet.pdf()


def render_notice(notice: Notice, out: BinaryIO) -> None:
    """Write the notice as a PDF to an open binary file."""
    out.write(notice_pdf(notice))
