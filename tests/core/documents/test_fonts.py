"""The document fonts: which characters they have, and which font draws what."""

import pytest

from core.documents.fonts import FONT_FOLDER, face, family, missing_characters, printable, runs, text_width

NAMES = "𠮷田 𠀋 槗本 髙橋 山﨑 渡邉 渡邊 栁田 濵田 桒原 𡈽屋 𣘺本 𩸽 𪚲 𫝆 德永 增田 淸水 瀨戸 神 陈"
NAMES += " Nguyễn Ångström"


@pytest.mark.parametrize("bold", [False, True])
def test_every_character_of_rare_names_has_a_glyph(bold: bool) -> None:
    assert all(glyph.found and glyph.glyph for glyph in family(bold=bold).glyphs(NAMES))
    assert missing_characters(NAMES) == ""


def test_what_no_font_has_is_named_once_in_order() -> None:
    assert missing_characters("田\U0001f600中\U000f0000山\U0001f600") == "\U0001f600\U000f0000"


def test_a_text_is_split_where_the_main_font_lacks_a_character() -> None:
    assert runs("𠮷田槗") == [
        ("RareKanji-Regular", "𠮷"),
        ("BIZUDGothic-Regular", "田"),
        ("RareKanji-Regular", "槗"),
    ]
    assert runs("田中", bold=True) == [("BIZUDGothic-Bold", "田中")]
    assert runs("") == []


def test_runs_keep_the_text() -> None:
    assert "".join(text for _, text in runs(NAMES)) == NAMES


def test_a_variation_selector_chooses_another_shape_of_the_same_character() -> None:
    plain, first, second = (family().glyphs(text)[0] for text in ("辻", "辻\U000e0100", "辻\U000e0101"))
    assert len({first.glyph, second.glyph}) == 2
    assert plain.glyph in (first.glyph, second.glyph)
    assert first.text == "辻\U000e0100"
    assert first.width == plain.width


def test_an_unknown_variation_shows_the_usual_shape_and_is_not_missing() -> None:
    odd = family().glyphs("田\U000e01ef")
    assert [glyph.glyph for glyph in odd] == [family().glyphs("田")[0].glyph]
    assert missing_characters("田\U000e01ef") == ""


def test_marks_join_their_letters_but_compatibility_kanji_stay() -> None:
    assert printable("か\u3099 ハ\u309a e\u0301") == "が パ é"
    assert printable("\ufa19\u200b\n\ufeff\u795e\x00") == "\ufa19 \u795e"
    assert family().glyphs("\ufa19")[0].glyph != family().glyphs("\u795e")[0].glyph


def test_digits_and_kanji_have_the_widths_of_a_table() -> None:
    assert {text_width(digit, 10) for digit in "0123456789,"} == {5}
    assert text_width("円", 10) == 10
    assert text_width("13,200円𠮷辻\U000e0101", 10) == 60


def test_a_subset_is_a_font_with_these_outlines_in_order_and_no_hints() -> None:
    font = face("BIZUDGothic-Regular.ttf")
    wanted = [font.glyphs[ord(char)] for char in "円田"]
    data = font.subset(wanted)
    assert data == font.subset(wanted)
    assert data != font.subset(wanted[::-1])
    for tag in (b"glyf", b"head", b"hhea", b"hmtx", b"loca", b"maxp"):
        assert tag in data[:200]
    assert b"fpgm" not in data[:200]
    assert len(data) < 2000
    # The whole file sums to this number: OpenType specification, table head.
    words = range(0, len(data), 4)
    assert sum(int.from_bytes(data[n : n + 4]) for n in words) & 0xFFFFFFFF == 0xB1B0AFBA


def test_each_font_file_has_its_licence_beside_it() -> None:
    for family_name in {path.stem.split("-")[0] for path in FONT_FOLDER.glob("*.ttf")}:
        assert "SIL OPEN FONT LICENSE" in (FONT_FOLDER / f"OFL-{family_name}.txt").read_text()
