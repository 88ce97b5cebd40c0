"""法人番号 and 適格請求書発行事業者の登録番号 (reference: 財務省令, invoice-kohyo)."""

from __future__ import annotations

import re
from enum import StrEnum

_CORPORATE_NUMBER = re.compile(r"[0-9]{13}", re.ASCII)
_REGISTRATION_NUMBER = re.compile(r"T[0-9]{13}", re.ASCII)


class RegistrationCheck(StrEnum):
    """What can be said about a 登録番号 without looking it up."""

    OK = "ok"
    BAD_FORMAT = "bad-format"
    BAD_CHECK_DIGIT = "bad-check-digit"
    LOOKUP_NEEDED = "format-ok-lookup-needed"


def corporate_check_digit(twelve_digits: str) -> int:
    """The first digit of a 法人番号 with these twelve others: 9 − (Σ digit × 1 or 2 from the right mod 9)."""
    total = sum(
        int(digit) * (2 if position % 2 else 1) for position, digit in enumerate(reversed(twelve_digits))
    )
    return 9 - total % 9


def is_corporate_number(number: str) -> bool:
    """Whether 13 digits can be a 法人番号. The digit is no proof: it cannot tell 0 from 9."""
    if not _CORPORATE_NUMBER.fullmatch(number):
        return False
    return int(number[0]) == corporate_check_digit(number[1:])


def check_registration_number(number: str, corporate: bool) -> RegistrationCheck:
    """What is known about a 登録番号 (already normalised). For individuals no check digit is published."""
    if not _REGISTRATION_NUMBER.fullmatch(number):
        return RegistrationCheck.BAD_FORMAT
    if not corporate:
        return RegistrationCheck.LOOKUP_NEEDED
    return RegistrationCheck.OK if is_corporate_number(number[1:]) else RegistrationCheck.BAD_CHECK_DIGIT
