"""What the manuals of docs/manual show and name exists: pictures, links, buttons and headings, people and places."""

import re
from functools import cache
from pathlib import Path

import pytest
from PIL import Image

from core.japan.prefectures import CHOICES as PREFECTURES
from core.manuals.reading import anchor_of

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "docs" / "manual"
MANUALS = sorted(FOLDER.glob("*.md"))
LARGEST = 150_000
_PICTURE = re.compile(r"!\[([^\]]*)\]\(([^)]*)\)")
_LINK = re.compile(r"(?<!!)\[[^\]]+\]\(([^)]*)\)")
# 「…」 quotes our screens; what phones and browsers say stands in 『…』
_LABEL = re.compile(r"「([^」]+)」")
_MARKS = re.compile(r"\{[%{][^}]*[%}]\}|<[^>]+>")
_CODE = ("accounts", "core", "dispatch", "experts", "institutions", "office", "payments", "portal_expert")
_CODE += ("portal_institution", "rules", "surveys")


def texts() -> list[pytest.param]:
    return [pytest.param(path, path.read_text(encoding="utf-8"), id=path.stem) for path in MANUALS]


@cache
def said_by_the_product() -> str:
    """All templates and code; templates also without their tags, so that a label with a sign before it is whole."""
    templates = [path.read_text(encoding="utf-8") for path in (ROOT / "templates").rglob("*.*")]
    scripts = [
        path.read_text(encoding="utf-8")
        for path in (ROOT / "static").rglob("*.js")
        if "vendor" not in path.parts
    ]
    code = [path.read_text(encoding="utf-8") for name in _CODE for path in (ROOT / name).rglob("*.py")]
    return "\n".join([*templates, *(_MARKS.sub("", each) for each in templates), *scripts, *code])


@pytest.mark.parametrize("path, text", texts())
def test_every_picture_of_a_manual_exists_has_words_and_is_small(path: Path, text: str) -> None:
    for words, target in _PICTURE.findall(text):
        picture = FOLDER / target
        assert words, target
        assert picture.parent == FOLDER / "pictures"
        assert picture.stat().st_size <= LARGEST
        with Image.open(picture) as opened:
            assert opened.width in (1280, 750)


def test_no_picture_lies_there_unused() -> None:
    used = {
        Path(target).name
        for path in MANUALS
        for _, target in _PICTURE.findall(path.read_text(encoding="utf-8"))
    }
    assert {path.name for path in (FOLDER / "pictures").glob("*.png")} == used


@pytest.mark.parametrize("path, text", texts())
def test_every_link_of_a_manual_leads_to_a_chapter_of_a_manual(path: Path, text: str) -> None:
    for target in _LINK.findall(text):
        name, _, anchor = target.partition("#")
        other = FOLDER / name if name else path
        assert other.is_file(), target
        headings = re.findall(r"^##+ (.+)$", other.read_text(encoding="utf-8"), re.MULTILINE)
        assert not anchor or anchor in map(anchor_of, headings), target


@pytest.mark.parametrize("path, text", texts())
def test_every_label_that_a_manual_quotes_is_said_by_the_product(path: Path, text: str) -> None:
    unknown = [label for label in _LABEL.findall(text) if label not in said_by_the_product()]
    assert unknown == []


@pytest.mark.parametrize("path, text", texts())
def test_chapters_have_names_of_their_own(path: Path, text: str) -> None:
    headings = [anchor_of(each) for each in re.findall(r"^##+ (.+)$", text, re.MULTILINE)]
    assert len(headings) == len(set(headings))


@pytest.mark.parametrize("path, text", texts())
def test_no_manual_names_a_person_a_place_or_how_to_reach_them(path: Path, text: str) -> None:
    plain = _PICTURE.sub("", text)
    assert re.findall(r"[一-龠]{1,6}(?:さん|様|氏)(?!名)", plain) == []
    assert [name for _, name in PREFECTURES if name in plain] == []
    assert re.findall(r"0\d{1,4}-\d{1,4}-\d{3,4}|[\w.]+@[\w.]+|https?://", plain) == []
