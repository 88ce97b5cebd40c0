"""The drawing of place and distance: numbers only, for three metres and for three hundred kilometres."""

import math
from typing import Any

import pytest

from office.place_drawing import HEIGHT, WIDTH, Drawing, Position, draw, metres_in_words, offset_m
from rules.findings.evidence import distance_m

TOKYO = (35.681236, 139.767125)


def away(metres: float, bearing: float, **given: Any) -> Position:
    """A position so many metres from Tokyo station, by degrees from north."""
    north, east = metres * math.cos(math.radians(bearing)), metres * math.sin(math.radians(bearing))
    degree = 111_195.08
    return Position(
        name=given.get("name", "開始"),
        latitude=TOKYO[0] + north / degree,
        longitude=TOKYO[1] + east / (degree * math.cos(math.radians(TOKYO[0]))),
        accuracy_m=given.get("accuracy", 12.0),
        tolerance_m=given.get("tolerance", 312.0),
    )


def drawn(*positions: Position) -> Drawing:
    drawing = draw(*TOKYO, positions)
    assert drawing is not None
    return drawing


@pytest.mark.parametrize("metres", [0, 3, 40, 311, 380, 5_000, 300_000])
@pytest.mark.parametrize("bearing", [0, 45, 90, 135, 180, 225, 270, 315])
def test_everything_lies_within_the_picture_at_any_distance(metres: float, bearing: float) -> None:
    drawing = drawn(away(metres, bearing), away(metres, bearing + 20, name="終了"))
    for x, y in [(drawing.x, drawing.y), *((mark.x, mark.y) for mark in drawing.marks)]:
        assert 0 <= x <= WIDTH and 0 <= y <= HEIGHT
    for mark in drawing.marks:
        assert 0 < mark.label_y < HEIGHT
        assert math.isclose(mark.distance_m, metres, rel_tol=0.02, abs_tol=0.5)
        assert mark.inside == (metres <= 312)
    for radius in drawing.circles:
        assert drawing.x - radius >= -0.1 and drawing.x + radius <= WIDTH + 0.1
        assert drawing.y - radius >= -0.1 and drawing.y + radius <= HEIGHT + 0.1


def test_north_is_up_and_east_is_right() -> None:
    drawing = drawn(away(200, 0), away(200, 90, name="終了"))
    north, east = drawing.marks
    assert north.y < drawing.y and math.isclose(north.x, drawing.x, abs_tol=1)
    assert east.x > drawing.x and math.isclose(east.y, drawing.y, abs_tol=1)


def test_lengths_keep_their_proportion_to_the_scale() -> None:
    drawing = drawn(away(250, 90))
    unit = drawing.circles[0] / 312
    assert math.isclose((drawing.marks[0].x - drawing.x) / unit, 250, rel_tol=0.01)
    assert drawing.scale_words == "200m" and math.isclose(drawing.scale_length / unit, 200, rel_tol=0.01)
    assert math.isclose(drawing.marks[0].accuracy, 12 * unit, abs_tol=0.02)


def test_far_away_the_tolerance_is_a_dot_and_the_scale_is_in_kilometres() -> None:
    drawing = drawn(away(300_000, 200))
    assert drawing.circles == []
    assert drawing.scale_words.endswith("km")
    assert "支援場所の南 301km" in drawing.words and "許容 312mの外" in drawing.words


def test_words_say_what_the_picture_shows() -> None:
    words = drawn(away(3, 45), away(380, 180, name="終了", accuracy=None, tolerance=300.0)).words
    assert "開始は支援場所の北東 3m、精度 12m（許容 312mの内）" in words
    assert "終了は支援場所の南 380m、精度 不明（許容 300mの外）" in words


def test_two_tolerances_are_two_circles_and_a_wild_accuracy_stays_in_bounds() -> None:
    drawing = drawn(away(10, 0, tolerance=312.0), away(10, 0, tolerance=500.0, accuracy=50_000.0))
    assert len(drawing.circles) == 2
    assert all(mark.accuracy <= WIDTH for mark in drawing.marks)
    assert drawn(away(10, 0, accuracy=-5.0)).marks[0].accuracy == 0


def test_without_a_position_there_is_no_drawing() -> None:
    assert draw(*TOKYO, []) is None


def test_offsets_cross_the_day_line_the_short_way() -> None:
    east, north = offset_m(0.0, 179.9, 0.0, -179.9)
    assert math.isclose(east, distance_m(0.0, 179.9, 0.0, -179.9), rel_tol=1e-6)
    assert north == 0


@pytest.mark.parametrize(
    ("metres", "words"), [(0, "0m"), (12.4, "12m"), (999, "999m"), (1530, "1.5km"), (300_000, "300km")]
)
def test_distances_in_words(metres: float, words: str) -> None:
    assert metres_in_words(metres) == words
