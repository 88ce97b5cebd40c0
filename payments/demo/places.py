"""Towns of the story with station, position and airport. The towns are real, the quarters are not."""

from __future__ import annotations

from dataclasses import dataclass
from math import asin, cos, radians, sin, sqrt
from random import Random
from typing import Final

from core.japan.prefectures import prefecture_name

# What lies between two regions decides how one travels: Hokkaido and Okinawa are reached by air only.
MAINLAND: Final = "本土"
HOKKAIDO: Final = "北海道"
OKINAWA: Final = "沖縄"
# Rails wind; this much longer than the straight line.
_DETOUR: Final = 1.22
_EARTH_KM: Final = 6371.0

_QUARTERS: Final = ("見本町", "手本町", "雛形町", "例示台", "見本台", "雛形通", "手本通", "例示町")


@dataclass(frozen=True, slots=True)
class Town:
    """A town: prefecture code, name, station, position; `island` when only a boat goes there."""

    prefecture: str
    name: str
    station: str
    latitude: float
    longitude: float
    island: bool = False

    @property
    def full_name(self) -> str:
        """`長野県松本市`."""
        return prefecture_name(self.prefecture) + self.name


TOWNS: Final = (
    Town("01", "札幌市中央区", "札幌駅", 43.0554, 141.3410),
    Town("01", "小樽市", "小樽駅", 43.1907, 140.9946),
    Town("01", "旭川市", "旭川駅", 43.7706, 142.3650),
    Town("04", "仙台市青葉区", "仙台駅", 38.2688, 140.8721),
    Town("04", "石巻市", "石巻駅", 38.4343, 141.3029),
    Town("04", "大崎市", "古川駅", 38.5772, 140.9557),
    Town("11", "さいたま市大宮区", "大宮駅", 35.9064, 139.6287),
    Town("11", "川越市", "川越駅", 35.9251, 139.4858),
    Town("11", "秩父市", "秩父駅", 35.9917, 139.0855),
    Town("13", "千代田区", "神田駅", 35.6917, 139.7710),
    Town("13", "墨田区", "錦糸町駅", 35.6970, 139.8140),
    Town("13", "大田区", "蒲田駅", 35.5620, 139.7160),
    Town("13", "八王子市", "八王子駅", 35.6664, 139.3160),
    Town("14", "横浜市西区", "横浜駅", 35.4536, 139.6170),
    Town("14", "小田原市", "小田原駅", 35.2646, 139.1522),
    Town("15", "新潟市中央区", "新潟駅", 37.9161, 139.0364),
    Town("15", "長岡市", "長岡駅", 37.4462, 138.8512),
    Town("15", "上越市", "高田駅", 37.1479, 138.2361),
    Town("15", "佐渡市", "両津港", 38.0180, 138.3680, island=True),
    Town("17", "金沢市", "金沢駅", 36.5613, 136.6562),
    Town("17", "七尾市", "七尾駅", 37.0431, 136.9675),
    Town("20", "長野市", "長野駅", 36.6486, 138.1948),
    Town("20", "松本市", "松本駅", 36.2380, 137.9720),
    Town("20", "飯田市", "飯田駅", 35.5147, 137.8219),
    Town("22", "静岡市葵区", "静岡駅", 34.9756, 138.3828),
    Town("22", "浜松市中央区", "浜松駅", 34.7108, 137.7261),
    Town("23", "名古屋市中村区", "名古屋駅", 35.1686, 136.8730),
    Town("23", "岡崎市", "岡崎駅", 34.9543, 137.1744),
    Town("23", "豊橋市", "豊橋駅", 34.7692, 137.3915),
    Town("26", "京都市下京区", "京都駅", 34.9876, 135.7560),
    Town("26", "福知山市", "福知山駅", 35.2967, 135.1264),
    Town("27", "大阪市北区", "大阪駅", 34.7055, 135.5100),
    Town("27", "東大阪市", "布施駅", 34.6794, 135.6009),
    Town("27", "堺市堺区", "堺東駅", 34.5733, 135.4830),
    Town("28", "神戸市中央区", "三ノ宮駅", 34.6951, 135.1979),
    Town("28", "姫路市", "姫路駅", 34.8394, 134.6939),
    Town("34", "広島市南区", "広島駅", 34.3926, 132.4756),
    Town("34", "福山市", "福山駅", 34.4859, 133.3623),
    Town("34", "呉市", "呉駅", 34.2492, 132.5659),
    Town("37", "高松市", "高松駅", 34.3401, 134.0434),
    Town("37", "丸亀市", "丸亀駅", 34.2895, 133.7978),
    Town("38", "松山市", "松山駅", 33.8392, 132.7657),
    Town("38", "今治市", "今治駅", 34.0660, 132.9978),
    Town("40", "福岡市博多区", "博多駅", 33.5916, 130.4147),
    Town("40", "北九州市小倉北区", "小倉駅", 33.8834, 130.8752),
    Town("40", "久留米市", "久留米駅", 33.3192, 130.5084),
    Town("46", "鹿児島市", "鹿児島中央駅", 31.5966, 130.5571),
    Town("46", "霧島市", "国分駅", 31.7411, 130.7632),
    Town("47", "那覇市", "旭橋駅", 26.2124, 127.6809),
    Town("47", "沖縄市", "コザバス停", 26.3344, 127.8056),
)

AIRPORTS: Final = {
    "01": "新千歳空港", "04": "仙台空港", "11": "羽田空港", "13": "羽田空港", "14": "羽田空港", "15": "新潟空港",
    "17": "小松空港", "20": "信州まつもと空港", "22": "静岡空港", "23": "中部国際空港", "26": "伊丹空港",
    "27": "伊丹空港", "28": "神戸空港", "34": "広島空港", "37": "高松空港", "38": "松山空港", "40": "福岡空港",
    "46": "鹿児島空港", "47": "那覇空港",
}  # fmt: skip

PREFECTURES: Final = tuple(sorted({town.prefecture for town in TOWNS}))


def towns_of(prefecture: str) -> tuple[Town, ...]:
    """The story's towns of a prefecture; the first is its capital."""
    return tuple(town for town in TOWNS if town.prefecture == prefecture)


def town(name: str) -> Town:
    """A town by its name; KeyError when the story has none of that name."""
    for found in TOWNS:
        if found.name == name:
            return found
    raise KeyError(name)


def region(prefecture: str) -> str:
    """Which part of the country, as far as travelling is concerned."""
    return {"01": HOKKAIDO, "47": OKINAWA}.get(prefecture, MAINLAND)


def straight_km(from_town: Town, to_town: Town) -> float:
    """Great-circle distance in km."""
    a, b = radians(from_town.latitude), radians(to_town.latitude)
    half = sin((b - a) / 2) ** 2 + (
        cos(a) * cos(b) * sin(radians(to_town.longitude - from_town.longitude) / 2) ** 2
    )
    return 2 * _EARTH_KM * asin(min(1.0, sqrt(half)))


def route_km(from_town: Town, to_town: Town) -> float:
    """Length of the way on the ground in km, one decimal."""
    return round(straight_km(from_town, to_town) * _DETOUR, 1)


def address(place: Town, rng: Random, building: str = "") -> str:
    """An address that does not exist: a real town, an invented quarter."""
    quarter = rng.choice(_QUARTERS)
    number = f"{rng.randint(1, 5)}-{rng.randint(1, 28)}-{rng.randint(1, 19)}"
    return f"{place.full_name}{quarter}{number}{f' {building}' if building else ''}"


def near(place: Town, rng: Random) -> tuple[float, float]:
    """A position within about a kilometre of the town's centre."""
    return (
        round(place.latitude + rng.uniform(-0.008, 0.008), 6),
        round(place.longitude + rng.uniform(-0.009, 0.009), 6),
    )
