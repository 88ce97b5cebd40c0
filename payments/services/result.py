"""The result of a calculation on its way into the run's rows: totals, and a digest that shows whether it moved."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from core.secrets import fingerprint, fingerprint_of

from ..calculation import ExpertResult
from ..models import PayoutRun

Row = tuple[Any, ...]


@dataclass
class RunTotals:
    """Sums over the payouts of a run, in yen."""

    dispatch_count: int = 0
    payee_count: int = 0
    fee: int = 0
    travel: int = 0
    gross: int = 0
    withholding: int = 0
    net: int = 0
    consumption_tax: int = 0


@dataclass
class RunResult:
    """Takes the experts' results one after the other; equal results have equal digests on an installation."""

    totals: RunTotals = field(default_factory=RunTotals)
    _hash: Any = field(default_factory=hashlib.sha256)

    @classmethod
    def of(cls, run: PayoutRun) -> "RunResult":
        """Begins with what the run is for and on whose behalf it pays."""
        payer = run.payer
        result = cls()
        result._add(
            "run", run.name, run.month.isoformat(), run.cutoff.timestamp(), run.pay_date.isoformat(), payer.code,
            payer.kana, payer.name, payer.address, payer.phone, payer.corporate_number, payer.invoice_number,
            payer.bank_code, payer.branch_code, payer.account_type, fingerprint(payer.account_number),
        )  # fmt: skip
        return result

    def _add(self, *values: object) -> None:
        self._hash.update(repr(values).encode())

    def add(self, results: Iterable[ExpertResult]) -> None:
        """Takes some experts' results, in order of expert code."""
        for result in results:
            month, sums = result.month, result.month.totals
            for number, found in month.holds:
                self._add("hold", number, found.kind, found.code, found.reason, found.expected, found.actual)
            if sums is None:
                continue
            self._add(*_digested(payout_row(result)))
            for line in month.lines:
                self._add(
                    line.number, line.item, line.line_no, line.amount, line.day.isoformat(), line.explanation
                )
            self.totals.dispatch_count += sums.count
            self.totals.payee_count += 1
            self.totals.fee += sums.fee
            self.totals.travel += sums.travel
            self.totals.gross += sums.gross
            self.totals.withholding += sums.withholding
            self.totals.net += sums.net
            self.totals.consumption_tax += sums.consumption_tax

    @property
    def digest(self) -> str:
        """SHA-256 over everything taken so far."""
        return str(self._hash.hexdigest())


PAYOUT_COLUMNS = (
    "expert_code", "name", "address", "payee_class", "invoice_number", "bank_code", "branch_code", "bank_kana",
    "branch_kana", "bank_name", "branch_name", "account_type", "account_number", "account_holder_kana",
    "dispatch_count", "fee", "travel", "gross", "withholding", "net", "consumption_tax",
)  # fmt: skip

_SEALED = tuple(PAYOUT_COLUMNS.index(name) for name in ("account_number", "account_holder_kana"))


def _digested(row: Row) -> Row:
    """The row with fingerprints for ciphers, which differ each time the same text is sealed."""
    values = list(row)
    for place in _SEALED:
        values[place] = fingerprint_of(values[place])
    return tuple(values)


def payout_row(result: ExpertResult) -> Row:
    """An expert's payout in the order of PAYOUT_COLUMNS; bank data sealed, as the table keeps them."""
    account, payee, sums = result.account, result.account.payee, result.month.totals
    assert sums is not None
    return (
        payee.code, payee.name, account.address, payee.payee_class, account.invoice_number, payee.bank_code,
        payee.branch_code, account.bank_kana, account.branch_kana, account.bank_name, account.branch_name,
        account.account_type, account.account_number, account.account_holder_kana, sums.count, sums.fee, sums.travel,
        sums.gross, sums.withholding, sums.net, sums.consumption_tax,
    )  # fmt: skip
