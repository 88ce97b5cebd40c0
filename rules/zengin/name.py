"""Names as the bank file writes them: NFKC, large kana, single bytes of JIS X 0201 (rules.md §5)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from rules.zengin.errors import ZenginError, ZenginNameError

PARTY: Final = "party"
"""委託者名, 受取人名"""
BANK: Final = "bank"
"""銀行名, 支店名"""
EDI: Final = "edi"
"""EDI情報"""

_FULL: Final = "アイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワン"
_HALF: Final = "ｱｲｳｴｵｶｷｸｹｺｻｼｽｾｿﾀﾁﾂﾃﾄﾅﾆﾇﾈﾉﾊﾋﾌﾍﾎﾏﾐﾑﾒﾓﾔﾕﾖﾗﾘﾙﾚﾛﾜﾝ"
_SMALL: Final = str.maketrans("ァィゥェォッャュョヮヵヶ", "アイウエオツヤユヨワカケ")
_VOICED: Final = "ウカキクケコサシスセソタチツテトハヒフヘホ"
_SEMI_VOICED: Final = "ハヒフヘホ"
_MARK: Final = "\u3099"
_SEMI_MARK: Final = "\u309a"
_UNVOICEABLE: Final = frozenset("ヷヸヹヺ")
_SPACES: Final = re.compile(" {2,}")
# Signs that are typed for a hyphen but that Unicode does not class as dashes: 長音, minus, ruled lines.
_MORE_DASHES: Final = frozenset("ー−─━")
_SIGNS: Final[Mapping[str, str]] = {BANK: "-", PARTY: "()-.", EDI: "\\｢｣()-/."}


def _tables() -> dict[str, dict[str, str]]:
    kana = dict(zip(_FULL, _HALF, strict=True))
    for base in _VOICED:
        kana[unicodedata.normalize("NFC", base + _MARK)] = kana[base] + "ﾞ"
    for base in _SEMI_VOICED:
        kana[unicodedata.normalize("NFC", base + _SEMI_MARK)] = kana[base] + "ﾟ"
    plain = kana | {sign: sign for sign in " ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"}
    tables = {name_class: plain | {sign: sign for sign in signs} for name_class, signs in _SIGNS.items()}
    tables[EDI] |= {"ヲ": "ｦ", "「": "｢", "」": "｣", "¥": "\\"}
    return tables


_TABLES: Final = _tables()


def _normalised(text: str) -> str:
    out: list[str] = []
    for character in unicodedata.normalize("NFKC", text):
        if "ぁ" <= character <= "ゖ":
            character = chr(ord(character) + 0x60)
        elif "a" <= character <= "z":
            character = character.upper()
        elif character in _MORE_DASHES or unicodedata.category(character) == "Pd":
            character = "-"
        elif character == "・":
            character = "."
        out.append(character)
    return "".join(out).translate(_SMALL)


def _position(text: str, index: int) -> int:
    """Where in `text` (1-based) the character at `index` of its NFKC form is complete, marks included."""
    wanted = unicodedata.normalize("NFKC", text)[: index + 1]
    for count in range(1, len(text) + 1):
        if unicodedata.normalize("NFKC", text[:count]).startswith(wanted):
            return count
    return len(text)


def _shown(character: str) -> str:
    if character in (_MARK, _SEMI_MARK) or not character.isprintable():
        return f"U+{ord(character):04X}"
    return character


@lru_cache(maxsize=16_384)
def convert(text: str, name_class: str = PARTY, wo_allowed: bool = False) -> str:
    """The single-byte form of a name; one character is one byte.

    ZenginNameError for kanji, a voicing mark on a kana that takes none, ヲ (unless allowed or EDI), any other
    character.
    """
    table = _TABLES[name_class]
    normalised = _normalised(text)
    out: list[str] = []
    for index, character in enumerate(normalised):
        half = table.get(character)
        if half is None:
            if character == "ヲ" and wo_allowed:
                half = "ｦ"
            else:
                raise _refusal(text, index, character)
        out.append(half)
    return _SPACES.sub(" ", "".join(out)).strip(" ")


def _refusal(text: str, index: int, character: str) -> ZenginNameError:
    position = _position(text, index)
    if character in (_MARK, _SEMI_MARK) or character in _UNVOICEABLE:
        message = f"{position}文字目の濁点・半濁点は、付かない文字に付いています"
    elif character == "ヲ":
        message = f"{position}文字目の「ヲ」は銀行のファイルで使えません"
    elif unicodedata.name(character, "").startswith("CJK"):
        message = f"{position}文字目の漢字「{character}」は銀行のファイルで使えません"
    else:
        message = f"{position}文字目の「{_shown(character)}」は銀行のファイルで使えません"
    return ZenginNameError(message, position, character)


def account_name_problem(text: str, limit: int, wo_allowed: bool = False) -> str | None:
    """Why a 口座名義カナ does not fit the bank file (rules.md §5 B02), in Japanese; None when it does."""
    try:
        converted = convert(text, PARTY, wo_allowed)
    except ZenginError as error:
        return str(error)
    if not converted:
        return "口座名義カナがありません"
    if len(converted) > limit:
        return f"変換後の長さが{len(converted)}バイトで、{limit}バイトを超えています"
    return None


def informational_name(text: str, limit: int) -> str:
    """A bank or branch name for the file; blank when it cannot hold it: the code governs (exchange.md §3)."""
    try:
        converted = convert(text, BANK)
    except ZenginError:
        return ""
    return converted if len(converted) <= limit else ""
