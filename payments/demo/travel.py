"""How people travel in the story, and what they claim: plausible ways, distances and fares for each pair of towns."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random
from typing import Final

from .places import AIRPORTS, Town, region, route_km, straight_km, town
from .rows import Value
from .texts import LODGING_REASONS

Line = dict[str, Value]

AIR_FROM_KM: Final = 600
LODGING_FROM_KM: Final = 350
_EXPRESS_FROM_KM: Final = 100.0
_LOCAL_KM: Final = 3.0
_CAR_YEN_PER_KM: Final = 37
_RESERVED: Final = 530
# up to so many km → ordinary fare in yen, as on the main lines of Honshu
_FARES: Final = (
    (3, 150), (6, 190), (10, 200), (15, 240), (20, 330), (25, 420), (30, 510), (35, 590), (40, 680), (45, 770),
    (50, 860), (60, 990), (70, 1170), (80, 1340), (90, 1520), (100, 1690), (120, 1980), (140, 2310), (160, 2640),
    (180, 3080), (200, 3410), (220, 3740), (240, 4070), (260, 4510), (280, 4840), (300, 5170), (320, 5500),
    (340, 5720), (360, 6050), (380, 6380), (400, 6600), (440, 7260), (480, 7810), (520, 8360), (560, 8910),
    (600, 9460), (640, 9790), (700, 10340), (800, 11330), (1000, 12980),
)  # fmt: skip
_EXPRESS: Final = ((100, 1230), (150, 1760), (200, 2530), (300, 3280), (400, 4170), (600, 4960), (1000, 6020))
_NIIGATA: Final = "新潟市中央区"


def _step(table: tuple[tuple[int, int], ...], km: float) -> int:
    return next((yen for limit, yen in table if km <= limit), table[-1][1])


def fare(km: float) -> int:
    """The ordinary rail fare in yen for a distance in km."""
    return _step(_FARES, km)


def rail(day: date, origin: str, destination: str, km: float) -> Line:
    """A railway section; from 100 km on with express and reserved seat."""
    express = _step(_EXPRESS, km) if km >= _EXPRESS_FROM_KM else 0
    reserved = _RESERVED if express else 0
    return {
        "利用日": day, "種別": "鉄道", "出発地": origin, "到着地": destination, "距離km": round(km, 1),
        "運賃": fare(km), "特急料金": express, "指定席料金": reserved, "請求額": fare(km) + express + reserved,
    }  # fmt: skip


def bus(day: date, origin: str, destination: str, km: float) -> Line:
    """A bus ride."""
    yen = 180 + int(km * 26) // 10 * 10
    return {
        "利用日": day, "種別": "バス", "出発地": origin, "到着地": destination, "距離km": round(km, 1),
        "運賃": yen, "請求額": yen,
    }  # fmt: skip


def car(day: date, origin: str, destination: str, km: float, accepted: float | None) -> Line:
    """The own car: claimed km, and what the office measured."""
    return {
        "利用日": day, "種別": "私有車", "出発地": origin, "到着地": destination, "距離km": round(km, 1),
        "請求額": int(km * _CAR_YEN_PER_KM), "認定距離km": accepted,
    }  # fmt: skip


def taxi(day: date, origin: str, destination: str, km: float) -> Line:
    """A taxi where no bus runs."""
    return {
        "利用日": day, "種別": "タクシー", "出発地": origin, "到着地": destination, "距離km": round(km, 1),
        "請求額": 500 + int(km * 400) // 100 * 100, "領収書": True, "公共交通機関なし": True,
    }  # fmt: skip


def rental_car(day: date, place: str, km: float, accepted: int | None) -> Line:
    """A rental car for the day, from a station and back."""
    return {
        "利用日": day, "種別": "レンタカー", "出発地": place, "到着地": place, "距離km": round(km, 1),
        "請求額": 6600, "領収書": True, "公共交通機関なし": True, "認定額": accepted,
    }  # fmt: skip


def flight(day: date, origin: str, destination: str, km: float, roundtrip: bool) -> Line:
    """A flight, one way; with a round-trip discount or the ordinary fare as the limit."""
    ordinary = (9_500 + int(km * 24)) // 100 * 100
    discounted = ordinary * 9 // 1000 * 100
    return {
        "利用日": day, "種別": "航空", "出発地": origin, "到着地": destination, "距離km": round(km, 1),
        "往復割引運賃": discounted if roundtrip else None, "通常運賃": ordinary,
        "請求額": discounted if roundtrip else ordinary * 8 // 1000 * 100,
        "領収書": True, "半券": True, "座席": "普通席",
    }  # fmt: skip


def boat(day: date, origin: str, destination: str) -> Line:
    """The fast boat to the island, where a ferry runs too."""
    return {
        "利用日": day, "種別": "船", "出発地": origin, "到着地": destination, "距離km": 67.2,
        "通常運賃": 7040, "請求額": 6810, "領収書": True, "座席": "普通席", "高速船": True, "並行航路": True,
    }  # fmt: skip


def lodging(night: date, rng: Random) -> Line:
    """A night near the client."""
    kind, yen = rng.choice(
        (
            ("ホテル", 7800),
            ("ホテル", 8900),
            ("ホテル", 9600),
            ("旅館", 10800),
            ("ホテル", 11500),
            ("民泊", 6200),
        )
    )
    return {
        "利用日": night, "種別": "宿泊", "請求額": yen, "領収書": True, "宿泊種別": kind, "必要理由": rng.choice(LODGING_REASONS),
    }  # fmt: skip


def by_air(home: Town, there: Town) -> bool:
    """Whether one flies between two towns."""
    return region(home.prefecture) != region(there.prefecture) or straight_km(home, there) > AIR_FROM_KM


def one_way(day: date, home: Town, there: Town, *, back: bool = False) -> list[Line]:
    """The lines of one direction by public transport; `back` turns them round."""
    if there.island or home.island:
        lines = _by_boat(day, home, there)
    elif by_air(home, there):
        km = straight_km(home, there)
        lines = [
            rail(day, home.station, AIRPORTS[home.prefecture], 18.4),
            flight(
                day, AIRPORTS[home.prefecture], AIRPORTS[there.prefecture], km, roundtrip=int(km) % 2 == 0
            ),
            bus(day, AIRPORTS[there.prefecture], there.station, 24.0),
        ]
    elif home == there:
        lines = [bus(day, home.station, "支援先最寄り", 2.1)]
    else:
        lines = [rail(day, home.station, there.station, route_km(home, there))]
    if back:
        for line in lines:
            line["出発地"], line["到着地"] = line["到着地"], line["出発地"]
        lines.reverse()
    return lines


def _by_boat(day: date, home: Town, there: Town) -> list[Line]:
    port = town(_NIIGATA)
    if home.island and there.island:
        return [bus(day, home.station, "支援先最寄り", 9.5)]
    other = there if home.island else home
    lines: list[Line] = [boat(day, "新潟港", "両津港")]
    if by_air(other, port):
        lines.insert(0, flight(day, AIRPORTS[other.prefecture], "新潟空港", straight_km(other, port), True))
    elif other != port:
        lines.insert(0, rail(day, other.station, port.station, route_km(other, port)))
    return lines


def is_far(home: Town, there: Town) -> bool:
    """Whether a night may be needed."""
    return by_air(home, there) or there.island != home.island or route_km(home, there) >= LODGING_FROM_KM


def round_trip(home: Town, there: Town, day: date, rng: Random) -> list[Line]:
    """What an expert claims for one visit, out and back."""
    km = route_km(home, there)
    if home == there and rng.random() < 0.5:
        return []
    if is_far(home, there):
        lines: list[Line] = []
        if rng.random() < 0.55:
            lines = [
                *one_way(day - timedelta(days=1), home, there),
                lodging(day - timedelta(days=1), rng),
            ]
        else:
            lines = one_way(day, home, there)
        return lines + one_way(day, home, there, back=True)
    if _LOCAL_KM < km < _EXPRESS_FROM_KM and rng.random() < 0.3:
        return by_car(home, there, day, rng)
    lines = one_way(day, home, there) + one_way(day, home, there, back=True)
    if km > _LOCAL_KM and rng.random() < 0.1:
        lines.append(taxi(day, there.station, "支援先", rng.uniform(3.0, 9.0)))
    elif km > _LOCAL_KM and rng.random() < 0.06:
        lines.append(rental_car(day, there.station, rng.uniform(20.0, 60.0), 6600))
    return lines


def by_car(home: Town, there: Town, day: date, rng: Random, *, measured: bool = True) -> list[Line]:
    """Out and back by the own car; `measured` says whether the office has found the shortest route."""
    km = max(route_km(home, there), 4.2)
    accepted = round(km - rng.choice((0.0, 0.0, 0.3, 1.2)), 1) if measured else None
    return [car(day, "自宅", "支援先", km, accepted), car(day, "支援先", "自宅", km, accepted)]
