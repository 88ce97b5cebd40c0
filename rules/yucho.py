"""ゆうちょ銀行: 記号・番号 to the branch and account number a transfer needs (official rule of the bank)."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Final

BANK_CODE: Final = "9900"
ORDINARY: Final = "1"
CURRENT: Final = "2"
SAVINGS: Final = "4"
_DIGIT_KANA: Final = ("ゼロ", "イチ", "ニ", "サン", "ヨン", "ゴ", "ロク", "ナナ", "ハチ", "キユウ")
_CHECK_POSITION: Final = 3


class YuchoError(ValueError):
    """A 記号 or 番号 that cannot be one; the message is Japanese."""


@dataclass(frozen=True, slots=True)
class YuchoAccount:
    """The account as other banks address it. A false `check_ok` only warns: the digit is not official."""

    bank: str
    branch: str
    branch_kana: str
    type: str
    account: str
    check_ok: bool


def _digits(text: str) -> str:
    return unicodedata.normalize("NFKC", text).strip()


def _is_digits(text: str) -> bool:
    return text.isascii() and text.isdecimal()


def check_digit(kigo: str, bango: str) -> int:
    """The expected fourth digit of the 記号.

    Weights 1, 3, 2 over 記号 and 番号 (8 digits); a doubled digit counts its digit sum.
    """
    kigo, bango = _digits(kigo), _digits(bango)
    total = 0
    for index, digit in enumerate(kigo + bango.zfill(8)):
        value = 0 if index == _CHECK_POSITION else int(digit)
        weight = (1, 3, 2)[index % 3]
        weighted = value * weight
        total += weighted - 9 if weight == 2 and weighted > 9 else weighted
    return total % 10


def convert(kigo: str, bango: str, naka: str = "", savings: bool = False) -> YuchoAccount:
    """The account of a 記号 and 番号; YuchoError when malformed.

    `naka` is the digit between them, `savings` says 通常貯蓄貯金.
    """
    kigo, bango, naka = _digits(kigo), _digits(bango), _digits(naka)
    if not (_is_digits(kigo) and len(kigo) == 5 and kigo[0] in "01" and kigo[4] == "0"):
        raise YuchoError(f"記号「{kigo}」は、0または1で始まり0で終わる5桁の数字ではありません")
    if kigo[0] == "1":
        if not (_is_digits(bango) and 2 <= len(bango) <= 8 and bango[-1] == "1"):
            raise YuchoError(f"番号「{bango}」は、総合口座の番号（1で終わる8桁以内の数字）ではありません")
        branch, account = kigo[1:3] + "8", bango[:-1].zfill(7)
        account_type = SAVINGS if savings else ORDINARY
    else:
        if naka and not (_is_digits(naka) and len(naka) == 1):
            raise YuchoError(f"記号と番号の間の数字「{naka}」は1桁の数字ではありません")
        if not (_is_digits(bango) and 1 <= len(bango) <= 6):
            raise YuchoError(f"番号「{bango}」は、振替口座の番号（6桁以内の数字）ではありません")
        branch, account, account_type = kigo[1:3] + "9", bango.zfill(7), CURRENT
    return YuchoAccount(
        bank=BANK_CODE,
        branch=branch,
        branch_kana="".join(_DIGIT_KANA[int(digit)] for digit in branch),
        type=account_type,
        account=account,
        check_ok=check_digit(kigo, bango) == int(kigo[_CHECK_POSITION]),
    )
