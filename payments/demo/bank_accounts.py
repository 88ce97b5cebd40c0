"""Bank accounts of the story: real bank and branch codes, invented account numbers."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Final

from rules.yucho import convert

_NATIONWIDE: Final = (("0001", "009"), ("0005", "004"), ("0009", "015"), ("0010", "051"))
_ONLINE: Final = (("0036", "203"), ("0036", "207"), ("0038", "103"), ("0038", "104"))
_LOCAL: Final = {
    "01": (("0116", "104"), ("0501", "011")),
    "04": (("0125", "202"), ("0125", "205")),
    "11": (("0133", "004"), ("0133", "006")),
    "13": (("1311", "014"), ("1333", "019")),
    "14": (("0138", "310"), ("0138", "314")),
    "15": (("0140", "049"), ("1370", "006")),
    "17": (("0146", "104"), ("0146", "107")),
    "20": (("0143", "215"), ("1390", "006")),
    "22": (("0149", "122"), ("0149", "124")),
    "23": (("0542", "103"), ("1560", "009")),
    "26": (("0158", "113"), ("1610", "005")),
    "27": (("0010", "053"), ("0005", "007")),
    "28": (("1688", "007"), ("0009", "018")),
    "34": (("0169", "006"), ("0169", "008")),
    "37": (("0173", "202"), ("0173", "205")),
    "38": (("0174", "103"), ("0174", "107")),
    "40": (("0177", "008"), ("0177", "066")),
    "46": (("0185", "020"), ("0185", "050")),
    "47": (("0187", "301"), ("0188", "104")),
}
_YUCHO_OFFICES: Final = ("01", "10", "11", "12", "21", "41", "51", "61", "74", "79", "81", "90", "97")
_YUCHO_SHARE: Final = 0.12
_ONLINE_SHARE: Final = 0.22
_NATIONWIDE_SHARE: Final = 0.45


@dataclass(frozen=True, slots=True)
class Account:
    """Bank and branch code, 預金種目, account number."""

    bank: str
    branch: str
    kind: str
    number: str


# Codes that the bank master does not have.
UNKNOWN_BRANCH: Final = Account("0001", "999", "普通", "2468013")
UNKNOWN_BANK: Final = Account("8888", "001", "普通", "1357924")


def yucho_account(rng: Random) -> Account:
    """A ゆうちょ account as other banks address it, from a 記号 and 番号."""
    account = convert(f"1{rng.choice(_YUCHO_OFFICES)}30", f"{rng.randint(100_000, 4_999_999)}1")
    return Account(account.bank, account.branch, "普通", account.account)


def account(prefecture: str, rng: Random) -> Account:
    """Somebody's account: ゆうちょ, online, nationwide or local."""
    share = rng.random()
    if share < _YUCHO_SHARE:
        return yucho_account(rng)
    choices: tuple[tuple[str, str], ...]
    if share < _ONLINE_SHARE:
        choices = _ONLINE
    elif share < _NATIONWIDE_SHARE:
        choices = _NATIONWIDE
    else:
        choices = _LOCAL[prefecture]
    bank, branch = rng.choice(choices)
    kind = rng.choices(("普通", "当座", "貯蓄"), (90, 7, 3))[0]
    # a short number shows that leading zeros stay
    number = f"{rng.randint(1, 9_999_999):07d}" if rng.random() < 0.9 else str(rng.randint(10_000, 999_999))
    return Account(bank, branch, kind, number)
