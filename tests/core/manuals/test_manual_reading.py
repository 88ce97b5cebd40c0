"""A manual's Markdown becomes chapters; whatever stands in it, no HTML of its own reaches the page."""

from pathlib import Path

import pytest
from PIL import Image

from core.manuals.reading import find, read_manual

TEXT = """# 手引き

はじめに。

## 1. はじめてログインする

本文 <script>alert(1)</script> と **太字**。

![画面 "の" <写真>](pictures/one.png)

[次へ](other.md#もう一つの章)と[読めないもの](secret.md)

## もう一つの章

| 列 | 値 |
|---|---|
| たかはし | 髙橋 |

- 箇条書きの 保留
"""


@pytest.fixture
def manual(tmp_path: Path):
    (tmp_path / "pictures").mkdir()
    Image.new("RGB", (375, 760)).save(tmp_path / "pictures" / "one.png")
    (tmp_path / "one.md").write_text(TEXT, encoding="utf-8")
    return read_manual(tmp_path / "one.md", {"other": "/help/other/"}.get)


def test_title_lead_and_chapters_are_taken_apart(manual) -> None:
    assert manual.title == "手引き"
    assert manual.lead == "<p>はじめに。</p>\n"
    assert [(each.anchor, each.title) for each in manual.chapters] == [
        ("1-はじめてログインする", "1. はじめてログインする"),
        ("もう一つの章", "もう一つの章"),
    ]


def test_html_in_a_manual_stays_text(manual) -> None:
    html = manual.chapters[0].html
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert "<strong>太字</strong>" in html


def test_a_picture_has_its_words_its_size_and_waits_until_it_is_seen(manual) -> None:
    html = manual.chapters[0].html
    assert 'alt="画面 &quot;の&quot; &lt;写真&gt;"' in html
    assert 'width="375" height="760" loading="lazy"' in html


def test_links_lead_to_manuals_one_may_read_and_others_are_plain(manual) -> None:
    html = manual.chapters[0].html
    assert 'href="/help/other/#' in html
    assert "secret" not in html
    assert "読めないもの" in html


def test_a_table_can_be_reached_and_scrolled_by_keyboard(manual) -> None:
    assert (
        'class="table-box" tabindex="0" role="region" aria-label="もう一つの章の表1"'
        in manual.chapters[1].html
    )


@pytest.mark.parametrize("words", ["高橋", "ﾎﾘｭｳ 保留", "タカハシ"])
def test_words_are_found_in_every_way_of_writing(manual, words: str) -> None:
    wanted = words.replace("ﾎﾘｭｳ", "箇条書き")
    assert [hit.chapter.title for hit in find(manual, wanted)] == ["もう一つの章"]


def test_all_words_must_stand_in_the_chapter(manual) -> None:
    assert find(manual, "太字 保留") == []
    assert find(manual, "  ") == []
