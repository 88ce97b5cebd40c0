"""One person is one expert: whom of the register somebody may already be, and why one may think so.

Nothing is decided here: two people of a family share an address, and names repeat. Whoever approves sees the reasons.
"""

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from core.japan.addresses import municipality_of
from core.japan.folding import fold
from core.japan.prefectures import PREFECTURES
from core.japan.text import normal_code, normal_digits

from .models import Expert, ExpertQuerySet


class Likeness(StrEnum):
    """Why two entries may be one person, the strongest first; the value is what the screen says."""

    ACCOUNT = "同じ振込口座"
    NAME_AND_PHONE = "同じ氏名と電話番号"
    ADDRESS = "同じ番地の住所"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """What is known of somebody who may be registered already; what is empty is not compared."""

    name: str = ""
    phone: str = ""
    prefecture_code: str = ""
    address: str = ""
    bank_code: str = ""
    branch_code: str = ""
    account_type: str = ""
    account_number: str = ""


@dataclass(frozen=True, slots=True)
class Duplicate:
    """An expert of the register who may be the same person, with every reason."""

    expert: Expert
    reasons: tuple[Likeness, ...]


_ORDER: Final = {likeness: place for place, likeness in enumerate(Likeness)}
# never read where they aren't compared: each value is unsealed on reading
_SEALED: Final = ("account_number", "account_holder_kana")
_NUMBER_DIGITS: Final = 7
_PREFECTURE: Final = re.compile("|".join(prefecture.name for prefecture in PREFECTURES))
_DASHES: Final = re.compile("[‐‑‒–—―−ー─━-]+")
_KANJI_CHOME: Final = re.compile("([一二三四五六七八九])丁目")
_DIGITS: Final = str.maketrans("一二三四五六七八九", "123456789")
_STEPS: Final = re.compile(r"(?<=\d)(?:丁目|番地の?|番|号|の)(?=\d)")
_LOT: Final = re.compile(r"\D+\d+(?:-\d+)*")


def _phone(text: str) -> str:
    digits = normal_digits(text).replace("(", "").replace(")", "")
    return "0" + digits.removeprefix("+81").removeprefix("0") if digits.startswith("+81") else digits


def _lot(address: str) -> str:
    """An address as far as its lot: 三丁目2番1号 見本ビル201 and 3-2-1 are one. "" where it names no number."""
    plain = unicodedata.normalize("NFKC", address).strip()
    plain = _PREFECTURE.sub("", plain, count=1) if _PREFECTURE.match(plain) else plain
    plain = _KANJI_CHOME.sub(lambda chome: chome[1].translate(_DIGITS) + "丁目", plain).replace(" ", "")
    found = _LOT.match(_STEPS.sub("-", _DASHES.sub("-", plain)))
    if found is None:
        return ""
    place, number = re.fullmatch(r"(\D+)(.*)", found[0]).groups()  # type: ignore[union-attr] # what _LOT matches
    return fold(place) + number


def likely_duplicates(experts: ExpertQuerySet, person: Person) -> list[Duplicate]:
    """Those of the given experts who may be the person, the strongest reason first. Three queries at most.

    The caller gives the experts in scope (`visible_to`) and leaves out whom it knows to be the person.
    """
    found: dict[int, tuple[Expert, set[Likeness]]] = {}

    def add(expert: Expert, likeness: Likeness) -> None:
        found.setdefault(expert.pk, (expert, set()))[1].add(likeness)

    number = normal_digits(person.account_number)
    if number and person.bank_code and person.branch_code:
        number = number.zfill(_NUMBER_DIGITS)
        same_branch = experts.filter(
            bank_code=normal_code(person.bank_code), branch_code=normal_code(person.branch_code)
        )
        if person.account_type:
            same_branch = same_branch.filter(account_type=person.account_type)
        # A sealed number differs each time it is sealed: only the unsealed can be compared.
        for expert in same_branch.defer("account_holder_kana"):
            if expert.account_number.zfill(_NUMBER_DIGITS) == number:
                add(expert, Likeness.ACCOUNT)
    name, phone = fold(person.name), _phone(person.phone)
    if name and phone:
        for expert in experts.filter(search_text__contains=name).defer(*_SEALED):
            if fold(expert.name) == name and _phone(expert.phone) == phone:
                add(expert, Likeness.NAME_AND_PHONE)
    lot, municipality = _lot(person.address), municipality_of(person.address)
    if lot and municipality and person.prefecture_code:
        nearby = experts.filter(prefecture_code=person.prefecture_code, address__contains=municipality)
        for expert in nearby.defer(*_SEALED):
            if _lot(expert.address) == lot:
                add(expert, Likeness.ADDRESS)
    hits = [Duplicate(expert, tuple(sorted(why, key=_ORDER.__getitem__))) for expert, why in found.values()]
    return sorted(hits, key=lambda hit: ([_ORDER[reason] for reason in hit.reasons], hit.expert.code))


def likenesses(one: Person, other: Person) -> tuple[Likeness, ...]:
    """Why two people who are both not in the register yet may be one, the strongest reason first. No query."""
    found = []
    if one.account_number and (
        (normal_code(one.bank_code), normal_code(one.branch_code), one.account_type)
        == (normal_code(other.bank_code), normal_code(other.branch_code), other.account_type)
        and normal_digits(one.account_number).zfill(_NUMBER_DIGITS)
        == normal_digits(other.account_number).zfill(_NUMBER_DIGITS)
    ):
        found.append(Likeness.ACCOUNT)
    phone = _phone(one.phone)
    if one.name and phone and fold(one.name) == fold(other.name) and phone == _phone(other.phone):
        found.append(Likeness.NAME_AND_PHONE)
    lot = _lot(one.address)
    if lot and one.prefecture_code == other.prefecture_code and lot == _lot(other.address):
        found.append(Likeness.ADDRESS)
    return tuple(found)
