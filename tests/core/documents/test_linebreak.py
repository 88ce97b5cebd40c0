"""Lines and sizes: a text never leaves its box."""

from hypothesis import given
from hypothesis import strategies as st

from core.documents.fonts import text_width
from core.documents.linebreak import fit, lines_of


def test_a_line_does_not_begin_with_a_closing_mark_or_end_with_an_opening_one() -> None:
    assert lines_of("あいうえ、かきく", 40, 10) == ("あいう", "え、かき", "く")
    assert lines_of("あいう（かき）", 40, 10) == ("あいう", "（かき）")


def test_words_and_amounts_stay_together() -> None:
    assert lines_of("運賃の合計 13,200円です", 60, 10) == ("運賃の合計", "13,200円です")


def test_line_ends_in_the_text_stay() -> None:
    assert lines_of("一行目\n\n三行目", 100, 10) == ("一行目", "", "三行目")


def test_a_text_gets_smaller_before_it_gets_narrower() -> None:
    assert fit("あ" * 10, width=100, size=10, smallest=7) == (("あ" * 10,), 10, 100)
    assert fit("あ" * 12, width=100, size=10, smallest=7).size == 8
    narrow = fit("あ" * 18, width=100, size=10, smallest=7, narrowest=70)
    assert (narrow.size, narrow.stretch) == (7, 75)


@given(st.text(alphabet="あ漢𠮷。「」（)aZ0, 辻\U000e0101\U0001f600", max_size=300), st.integers(1, 3))
def test_any_text_fits_its_box_and_loses_nothing_but_spaces(text: str, most_lines: int) -> None:
    found = fit(text, width=60, size=9, smallest=6.5, most_lines=most_lines, narrowest=70)
    assert len(found.lines) <= most_lines
    assert "".join(found.lines).replace(" ", "") == text.replace(" ", "")
    for line in found.lines:
        assert text_width(line, found.size) * found.stretch / 100 <= 60.001
