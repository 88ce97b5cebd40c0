"""What everybody may read about becoming an expert: which bodies may be asked for a recommendation."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from django.db.models import Q

from core import clock
from core.japan.folding import fold, words
from core.japan.prefectures import BY_CODE
from institutions.models import Institution
from rules import codes

_NOT_FOR_DISPATCH: Final = "構成機関（派遣対象外）"
# よろず支援拠点 first
_KINDS: Final = {kind: number for number, kind in enumerate(codes.INSTITUTION_KINDS)}


@dataclass(frozen=True, slots=True)
class Body:
    """What is public of one body."""

    name: str
    kind: str
    prefecture: str
    phone: str


def bodies_to_ask(prefecture_code: str = "", text: str = "") -> list[Body]:
    """The bodies that may recommend an expert, by prefecture, the よろず支援拠点 first. One query.

    Public are the body's name, kind (機関区分), prefecture and the telephone number it has registered as its own: what it
    tells everybody about itself, and enough to ask it. Not public are code, address and mail, platform, certification
    numbers, and everything about people. Listed are those that may recommend today (spec 002, 登録基準 (1)): a よろず支援拠点
    or a 派遣可能機関 that the roster still has and whose certification, where it has one, is valid.
    """
    today = clock.today()
    rows = (
        Institution.objects.exclude(kind=_NOT_FOR_DISPATCH)
        .filter(
            Q(valid_until=None) | Q(valid_until__gte=today),
            Q(certified_until=None) | Q(certified_until__gte=today),
        )
        .values_list("name", "kind", "prefecture_code", "phone")
    )
    if prefecture_code:
        rows = rows.filter(prefecture_code=prefecture_code)
    wanted = words(text)
    found = [
        Body(name, kind, _prefecture(code), phone)
        for name, kind, code, phone in sorted(
            rows, key=lambda row: (row[2], _KINDS.get(row[1], len(_KINDS)), row[0])
        )
    ]
    return [body for body in found if all(word in _folded(body.name + body.prefecture) for word in wanted)]


# the same few thousand names again and again, while somebody types
_folded = lru_cache(maxsize=10_000)(fold)


def _prefecture(code: str) -> str:
    return BY_CODE[code].name if code in BY_CODE else ""
