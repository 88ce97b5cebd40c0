"""The four 120-byte records of a 総合振込 file. Positions and types: the layout of 全銀協."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from rules import codes
from rules.zengin import name
from rules.zengin.errors import ZenginError

RECORD_BYTES: Final = 120
PARTY_NAME_BYTES: Final = 30
SENDER_NAME_BYTES: Final = 40
BANK_NAME_BYTES: Final = 15
EDI_BYTES: Final = 20
HIGHEST_AMOUNT: Final = 9_999_999_999
HIGHEST_TOTAL: Final = 999_999_999_999
HIGHEST_COUNT: Final = 999_999
SAVINGS_CODE: Final = "4"
OTHER_CODE: Final = "9"

ACCOUNT_KIND_CODES: Final[Mapping[str, str]] = {
    codes.ACCOUNT_ORDINARY: "1",
    codes.ACCOUNT_CURRENT: "2",
    codes.ACCOUNT_SAVINGS: SAVINGS_CODE,
}
"""預金種目 of a data record. In a header 貯蓄 is その他 (`sender_account_code`)."""


def sender_account_code(account_kind: str) -> str:
    """預金種目 of the header, which knows only 普通, 当座 and その他."""
    code = ACCOUNT_KIND_CODES[account_kind]
    return OTHER_CODE if code == SAVINGS_CODE else code


@dataclass(frozen=True, slots=True)
class Dialect:
    """What banks handle differently. Texts are as in the file."""

    newline: str = "\r\n"
    last_newline: bool = True
    eof: bool = False
    clearing_house: str = "0000"
    wo_allowed: bool = False


@dataclass(frozen=True, slots=True)
class Sender:
    """Header: who pays from which account on which day (`transfer_date` is MMDD)."""

    sender_code: str
    sender_name: str
    transfer_date: str
    bank_code: str
    bank_name: str
    branch_code: str
    branch_name: str
    account_kind: str
    account_number: str


@dataclass(frozen=True, slots=True)
class Transfer:
    """One data record: to whom, where and how much (yen)."""

    bank_code: str
    bank_name: str
    branch_code: str
    branch_name: str
    account_kind: str
    account_number: str
    payee_name: str
    amount: int
    new_code: str = "0"
    customer_code_1: str = ""
    customer_code_2: str = ""
    transfer_kind: str = "7"
    edi: str | None = None


DEFAULT_DIALECT: Final = Dialect()


def _digits(field: str, value: str, length: int) -> str:
    if not (value.isascii() and value.isdecimal()):
        raise ZenginError(f"{field}「{value}」は数字ではありません")
    if len(value) > length:
        raise ZenginError(f"{field}「{value}」は{length}桁を超えています")
    return value.zfill(length)


def _text(field: str, value: str, length: int, name_class: str, wo_allowed: bool = False) -> str:
    try:
        converted = name.convert(value, name_class, wo_allowed)
    except ZenginError as error:
        raise ZenginError(f"{field}「{value}」: {error}") from None
    if len(converted) > length:
        raise ZenginError(f"{field}「{value}」は{length}バイトを超えています（{len(converted)}バイト）")
    return converted.ljust(length)


def _one_of(field: str, value: str, allowed: str) -> str:
    if len(value) != 1 or value not in allowed:
        raise ZenginError(f"{field}「{value}」は使えません（{'、'.join(allowed)}）")
    return value


def _required(field: str, text: str) -> str:
    if not text.strip():
        raise ZenginError(f"{field}がありません")
    return text


def header_record(sender: Sender, dialect: Dialect = DEFAULT_DIALECT) -> str:
    """The header, 120 characters; ZenginError names the field that does not fit."""
    return (
        "1210"
        + _digits("委託者コード", sender.sender_code, 10)
        + _required(
            "委託者名",
            _text("委託者名", sender.sender_name, SENDER_NAME_BYTES, name.PARTY, dialect.wo_allowed),
        )
        + _transfer_date(sender.transfer_date)
        + _digits("仕向銀行番号", sender.bank_code, 4)
        + _text("仕向銀行名", sender.bank_name, BANK_NAME_BYTES, name.BANK)
        + _digits("仕向支店番号", sender.branch_code, 3)
        + _text("仕向支店名", sender.branch_name, BANK_NAME_BYTES, name.BANK)
        + _one_of("預金種目", sender.account_kind, "129")
        + _digits("口座番号", sender.account_number, 7)
        + " " * 17
    )


def _transfer_date(value: str) -> str:
    digits = _digits("振込指定日", value, 4)
    if not ("01" <= digits[:2] <= "12" and "01" <= digits[2:] <= "31"):
        raise ZenginError(f"振込指定日「{value}」は月日ではありません")
    return digits


def data_record(transfer: Transfer, dialect: Dialect = DEFAULT_DIALECT) -> str:
    """One data record, 120 characters; ZenginError names the field that does not fit."""
    if not 1 <= transfer.amount <= HIGHEST_AMOUNT:
        raise ZenginError(f"振込金額{transfer.amount:,}円は1円以上{HIGHEST_AMOUNT:,}円以下ではありません")
    if transfer.edi is None:
        customer = _digits("顧客コード1", transfer.customer_code_1 or "0", 10) + _digits(
            "顧客コード2", transfer.customer_code_2 or "0", 10
        )
    else:
        customer = _text("EDI情報", transfer.edi, EDI_BYTES, name.EDI)
    return (
        "2"
        + _digits("被仕向銀行番号", transfer.bank_code, 4)
        + _text("被仕向銀行名", transfer.bank_name, BANK_NAME_BYTES, name.BANK)
        + _digits("被仕向支店番号", transfer.branch_code, 3)
        + _text("被仕向支店名", transfer.branch_name, BANK_NAME_BYTES, name.BANK)
        + dialect.clearing_house
        + _one_of("預金種目", transfer.account_kind, "1249")
        + _digits("口座番号", transfer.account_number, 7)
        + _required(
            "受取人名",
            _text("受取人名", transfer.payee_name, PARTY_NAME_BYTES, name.PARTY, dialect.wo_allowed),
        )
        + f"{transfer.amount:010}"
        + _one_of("新規コード", transfer.new_code, "012")
        + customer
        + _one_of("振込指定区分", transfer.transfer_kind, "780 ")
        + (" " if transfer.edi is None else "Y")
        + " " * 7
    )


def trailer_record(count: int, total: int) -> str:
    """The trailer: number of transfers and their sum (yen)."""
    if not 1 <= count <= HIGHEST_COUNT:
        raise ZenginError(f"振込の件数{count:,}件は1件以上{HIGHEST_COUNT:,}件以下ではありません")
    if total > HIGHEST_TOTAL:
        raise ZenginError(f"合計金額{total:,}円は{HIGHEST_TOTAL:,}円を超えています")
    return f"8{count:06}{total:012}".ljust(RECORD_BYTES)


def end_record() -> str:
    """The last record."""
    return "9".ljust(RECORD_BYTES)
