"""The bank file (総合振込) of a run, from the copies of its payer and payees (exchange.md §3)."""

from collections.abc import Iterator

from core.banks.models import Bank, Branch
from core.errors import DomainError
from core.secrets import seal, unseal
from rules.ruleset import RuleSet
from rules.zengin.errors import ZenginError
from rules.zengin.file import file_bytes
from rules.zengin.name import informational_name
from rules.zengin.record import (
    ACCOUNT_KIND_CODES,
    BANK_NAME_BYTES,
    Dialect,
    Sender,
    Transfer,
    header_record,
    sender_account_code,
)

from ..models import Payer, Payout, PayoutRun

COPIED = (
    "code", "kana", "name", "address", "phone", "corporate_number", "invoice_number", "bank_code", "branch_code",
    "account_type", "account_number",
)  # fmt: skip


def payer_copy(payer: Payer) -> dict[str, str]:
    """The payer with the names of its bank, as a run keeps it: the account number sealed (core/secrets.py)."""
    copy = {name: str(getattr(payer, name)) for name in COPIED}
    copy["account_number"] = seal(payer.account_number)
    bank = Bank.objects.filter(code=payer.bank_code).first()
    branch = Branch.objects.filter(bank__code=payer.bank_code, code=payer.branch_code).first()
    copy["bank_name"], copy["bank_kana"] = (bank.name, bank.kana) if bank else ("", "")
    copy["branch_name"], copy["branch_kana"] = (branch.name, branch.kana) if branch else ("", "")
    return copy


def copied_payer(run: PayoutRun) -> dict[str, str]:
    """The payer as it was at the approval of the run."""
    if run.payer_copy is None:
        raise ValueError(f"run {run.name} is not approved")
    copy: dict[str, str] = run.payer_copy
    return copy


def _sender(payer: dict[str, str], transfer_date: str) -> Sender:
    return Sender(
        sender_code=payer["code"],
        sender_name=payer["kana"],
        transfer_date=transfer_date,
        bank_code=payer["bank_code"],
        bank_name=informational_name(payer["bank_kana"], BANK_NAME_BYTES),
        branch_code=payer["branch_code"],
        branch_name=informational_name(payer["branch_kana"], BANK_NAME_BYTES),
        account_kind=sender_account_code(payer["account_type"]),
        account_number=unseal(payer["account_number"]),
    )


def _dialect(rules: RuleSet) -> Dialect:
    return Dialect(wo_allowed=rules.account_name_wo_allowed)


def check_payer(payer: Payer, rules: RuleSet) -> None:
    """Refuses a payer whose data don't fit the header of the bank file."""
    try:
        header_record(_sender(payer_copy(payer), "0101"), _dialect(rules))
    except ZenginError as wrong:
        raise DomainError(
            f"委託者 {payer.code} の登録内容が振込ファイルに使えません（{wrong}）。委託者の登録を直してください。"
        ) from wrong


def _transfers(run: PayoutRun) -> Iterator[Transfer]:
    payouts = Payout.objects.filter(run=run, net__gt=0).order_by("expert_code")
    for payout in payouts.iterator(chunk_size=5_000):
        yield Transfer(
            bank_code=payout.bank_code,
            bank_name=informational_name(payout.bank_kana, BANK_NAME_BYTES),
            branch_code=payout.branch_code,
            branch_name=informational_name(payout.branch_kana, BANK_NAME_BYTES),
            account_kind=ACCOUNT_KIND_CODES[payout.account_type],
            account_number=payout.account_number,
            payee_name=payout.account_holder_kana,
            amount=payout.net,
        )


def bank_file(run: PayoutRun, payer: dict[str, str], rules: RuleSet) -> bytes:
    """zengin.txt: one transfer per payee in order of 専門家コード; empty when nobody gets a transfer.

    Refuses what the file can't hold (amounts, number of transfers, names).
    """
    if not Payout.objects.filter(run=run, net__gt=0).exists():
        return b""
    try:
        return file_bytes(_sender(payer, f"{run.pay_date:%m%d}"), _transfers(run), _dialect(rules))
    except ZenginError as wrong:
        raise DomainError(f"月次支払 {run.name} の振込ファイルを作れません: {wrong}") from wrong
