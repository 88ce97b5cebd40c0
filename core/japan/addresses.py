"""Where an address is: with its prefecture, or as far as its municipality and no further."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from .prefectures import BY_CODE, PREFECTURES

_PREFECTURE: Final = re.compile("|".join(prefecture.name for prefecture in PREFECTURES))
# Names that hold 市, 町 or 村 themselves come first; then 郡 with its 町 or 村, wards of cities, and the rest.
_MUNICIPALITY: Final = re.compile(
    "(?:旭川|伊達|石狩|盛岡|奥州|田村|南相馬|那須塩原|東村山|武蔵村山|羽村|十日町|上越|富山|野々市|大町|蒲郡|四日市|姫路|大和郡山"
    "|廿日市|下松|岩国|田川|大村|宮古|富良野|別府|佐伯|黒部|小諸|塩尻|玉野|周南|市川|市原|町田|村上|村山|郡山|郡上|小郡|余市)市"
    "|(?:余市|高市|[^市]{2,3}?)郡(?:玉村|大町|.{1,5}?)[町村]"
    "|(?:.{1,4}市)?[^町市]{1,4}?区"
    "|[^0-9]{1,7}?[市町村]"
)


def municipality_of(address: str) -> str:
    """長野県松本市見本町1-2-3 → 松本市; with the ward of a great city; "" where none can be told."""
    plain = unicodedata.normalize("NFKC", address).strip()
    found = _PREFECTURE.match(plain)
    rest = plain[found.end() :] if found else plain
    municipality = _MUNICIPALITY.match(rest.strip())
    return municipality[0] if municipality else ""


def whole_address(prefecture_code: str, address: str) -> str:
    """長野県松本市見本町1-2-3, whether the address begins with its prefecture already or with the city."""
    prefecture = BY_CODE.get(prefecture_code)
    if prefecture is None or address.startswith(prefecture.name):
        return address
    return f"{prefecture.name}{address}"
