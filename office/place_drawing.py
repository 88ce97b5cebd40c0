"""A drawing of where a visit was recorded: place of support, tolerance, positions with their accuracy, scale.

Numbers for an SVG, no map and no request to anybody. North is up. Near the place of support the earth is taken as
flat, which is good enough to look at for some hundred kilometres; distances in words are great-circle ones.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rules.findings.evidence import MEAN_EARTH_RADIUS_M, distance_m

WIDTH, HEIGHT = 360, 280
# what stays free around the drawing, and at its foot for the scale
_EDGE, _FOOT = 18, 34
# nothing is drawn smaller than what 20 metres are across: a phone can't tell more anyway
_SMALLEST_M = 20.0
_SCALE_MOST = 110
# A circle that can't be told from a dot isn't drawn.
_SMALLEST_CIRCLE = 4.0


@dataclass(frozen=True, slots=True)
class Position:
    """A recorded position: its name (開始, 終了), where, how exact (metres), and up to where it may lie off."""

    name: str
    latitude: float
    longitude: float
    accuracy_m: float | None
    tolerance_m: float


@dataclass(frozen=True, slots=True)
class Mark:
    """A position in the drawing's units, with its distance in metres and where its word is written."""

    name: str
    x: float
    y: float
    accuracy: float
    distance_m: float
    inside: bool
    label_x: float
    label_y: float
    anchor: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """Everything the template draws; lengths in the drawing's units. `circles`: the tolerance of each position."""

    x: float
    y: float
    circles: list[float]
    marks: list[Mark]
    scale_length: float
    scale_words: str
    words: str
    width: int = WIDTH
    height: int = HEIGHT


def metres_in_words(metres: float) -> str:
    """12 → 12m, 1530 → 1.5km, 300000 → 300km."""
    if metres < 1000:
        return f"{metres:,.0f}m"
    return f"{metres / 1000:,.1f}km" if metres < 100_000 else f"{metres / 1000:,.0f}km"


def offset_m(
    latitude: float, longitude: float, to_latitude: float, to_longitude: float
) -> tuple[float, float]:
    """Metres to the east and to the north of a point, on a plane that touches the earth there."""
    around = (to_longitude - longitude + 180) % 360 - 180
    east = math.radians(around) * MEAN_EARTH_RADIUS_M * math.cos(math.radians(latitude))
    return east, math.radians(to_latitude - latitude) * MEAN_EARTH_RADIUS_M


def draw(latitude: float, longitude: float, positions: Sequence[Position]) -> Drawing | None:
    """The drawing of a place of support and the positions recorded for it; None without any position."""
    if not positions:
        return None
    offsets = [offset_m(latitude, longitude, each.latitude, each.longitude) for each in positions]
    left = right = top = bottom = _SMALLEST_M
    for (east, north), each in zip(offsets, positions, strict=True):
        around = min(max(each.accuracy_m or 0.0, 0.0), each.tolerance_m)
        reach = each.tolerance_m
        left, right = max(left, reach, around - east), max(right, reach, around + east)
        top, bottom = max(top, reach, around + north), max(bottom, reach, around - north)
    unit = min((WIDTH - 2 * _EDGE) / (left + right), (HEIGHT - _EDGE - _FOOT) / (top + bottom))
    x = _EDGE + left * unit + (WIDTH - 2 * _EDGE - (left + right) * unit) / 2
    y = _EDGE + top * unit + (HEIGHT - _EDGE - _FOOT - (top + bottom) * unit) / 2
    marks = _marks(positions, offsets, latitude, longitude, x, y, unit)
    length = _round_length(_SCALE_MOST / unit)
    circles = sorted({round(each.tolerance_m * unit, 2) for each in positions})
    return Drawing(
        x=round(x, 2),
        y=round(y, 2),
        circles=[radius for radius in circles if radius >= _SMALLEST_CIRCLE],
        marks=marks,
        scale_length=round(length * unit, 2),
        scale_words=metres_in_words(length),
        words=_words(marks, positions, offsets),
    )


def _marks(
    positions: Sequence[Position],
    offsets: Sequence[tuple[float, float]],
    latitude: float,
    longitude: float,
    x: float,
    y: float,
    unit: float,
) -> list[Mark]:
    marks: list[Mark] = []
    for place, ((east, north), each) in enumerate(zip(offsets, positions, strict=True)):
        off = distance_m(latitude, longitude, each.latitude, each.longitude)
        at_x, at_y = x + east * unit, y - north * unit
        accuracy = min(max(each.accuracy_m or 0.0, 0.0) * unit, float(WIDTH))
        # the first word stands above its mark, the second below: two marks at one place stay readable
        label_y = at_y - 11 if place % 2 == 0 else at_y + 20
        label_y = min(max(label_y, 14.0), HEIGHT - _FOOT + 6.0)
        anchor = "start" if at_x < WIDTH * 0.3 else "end" if at_x > WIDTH * 0.7 else "middle"
        marks.append(
            Mark(
                name=each.name,
                x=round(at_x, 2),
                y=round(at_y, 2),
                accuracy=round(accuracy, 2) if accuracy >= _SMALLEST_CIRCLE else 0.0,
                distance_m=off,
                inside=off <= each.tolerance_m,
                label_x=round(at_x, 2),
                label_y=round(label_y, 2),
                anchor=anchor,
            )
        )
    return marks


def _round_length(most: float) -> float:
    """The longest of 1, 2 or 5 times a power of ten that isn't longer than `most` (metres)."""
    power = 10.0 ** math.floor(math.log10(most))
    return max(step * power for step in (1.0, 2.0, 5.0) if step * power <= most * (1 + 1e-9))


_DIRECTIONS = ("北", "北東", "東", "南東", "南", "南西", "西", "北西")


def _direction(east: float, north: float) -> str:
    return _DIRECTIONS[round(math.degrees(math.atan2(east, north)) / 45) % 8]


def _words(marks: list[Mark], positions: Sequence[Position], offsets: Sequence[tuple[float, float]]) -> str:
    parts = []
    for mark, each, (east, north) in zip(marks, positions, offsets, strict=True):
        where = f"支援場所の{_direction(east, north)} {metres_in_words(mark.distance_m)}"
        exact = f"、精度 {metres_in_words(each.accuracy_m)}" if each.accuracy_m is not None else "、精度 不明"
        inside = "内" if mark.inside else "外"
        parts.append(f"{mark.name}は{where}{exact}（許容 {metres_in_words(each.tolerance_m)}の{inside}）")
    return "。".join(parts) + "。"
