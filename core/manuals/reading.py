"""Reads a manual (Markdown, docs/manual) into chapters: HTML with anchors, and plain text to search in.

HTML inside a manual stays text. A picture is one of docs/manual/pictures; a link leads to a chapter of a manual.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from pathlib import Path

from django.templatetags.static import static
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict
from PIL import Image

from core.japan.folding import fold

PICTURES = "pictures"
# Where docs/manual/pictures stands among the static files.
STATIC_PREFIX = "manual"
_LEFT_OUT_OF_ANCHORS = re.compile(r"[^\w\- ]")
_SUFFIX = ".md"

# Leads from the name of another manual's file to its address; None when it may not be read.
Link = Callable[[str], str | None]


@dataclass(frozen=True, slots=True)
class Chapter:
    """One chapter: its anchor in the page, its heading, its HTML, and its paragraphs as plain text."""

    anchor: str
    title: str
    html: SafeString
    passages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Manual:
    """A manual: its title, what stands before the first chapter, and its chapters."""

    title: str
    lead: SafeString
    chapters: tuple[Chapter, ...]


@dataclass(frozen=True, slots=True)
class Hit:
    """A chapter in which all words of a search stand, and the passage that holds most of them."""

    chapter: Chapter
    passage: str


def anchor_of(heading: str) -> str:
    """The anchor of a heading, the same that a code host makes of it, so that links work in both."""
    return _LEFT_OUT_OF_ANCHORS.sub("", heading.strip().lower()).replace(" ", "-")


def read_manual(path: Path, link: Link) -> Manual:
    """The manual in a file. OSError when it isn't there."""
    parser = _parser(path.parent, link)
    tokens = parser.parse(path.read_text(encoding="utf-8"))
    title = next(
        (after.content for token, after in zip(tokens, tokens[1:], strict=False) if token.tag == "h1"),
        path.stem,
    )
    parts = list(_parts(tokens))
    lead = parser.renderer.render(parts[0][1], parser.options, {})
    chapters = tuple(
        Chapter(
            anchor_of(heading),
            heading,
            mark_safe(parser.renderer.render(body, parser.options, {"chapter": heading})),  # noqa: S308 - raw HTML is off
            tuple(_passages(body)),
        )
        for heading, body in parts[1:]
    )
    return Manual(title, mark_safe(lead), chapters)  # noqa: S308 - raw HTML is off


def find(manual: Manual, words: str) -> list[Hit]:
    """The chapters in which every word stands, in the manual's order; none for no words."""
    wanted = [fold(word) for word in words.split()]
    if not wanted:
        return []
    hits = []
    for chapter in manual.chapters:
        passages = (chapter.title, *chapter.passages)
        folded = [fold(passage) for passage in passages]
        if all(any(word in passage for passage in folded) for word in wanted):
            best = max(range(len(passages)), key=lambda at: sum(word in folded[at] for word in wanted))
            hits.append(Hit(chapter, passages[best] if best else ""))
    return hits


def _parts(tokens: Sequence[Token]) -> Iterator[tuple[str, list[Token]]]:
    """What stands under each heading of the second level; first, under "", what stands before them."""
    heading, body, at = "", list[Token](), 0
    while at < len(tokens):
        token = tokens[at]
        if token.type == "heading_open" and token.tag in ("h1", "h2"):
            if token.tag == "h2":
                yield heading, body
                heading, body = tokens[at + 1].content, []
            at += 3
            continue
        if token.type == "heading_open":
            token.attrSet("id", anchor_of(tokens[at + 1].content))
        body.append(token)
        at += 1
    yield heading, body


def _passages(tokens: Sequence[Token]) -> Iterator[str]:
    for token in tokens:
        if token.type == "inline" and token.children:
            text = "".join(child.content for child in token.children if child.type in ("text", "code_inline"))
            if text.strip():
                yield text


def _parser(folder: Path, link: Link) -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")

    def image(
        renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
    ) -> str:
        token = tokens[index]
        words = escape(renderer.renderInlineAsText(token.children or [], options, env))
        name = Path(str(token.attrGet("src") or "")).name
        size = _size_of(folder / PICTURES / name)
        if size is None:
            return f"<em>{words}</em>"
        width, height = size
        shape = "tall" if height > width else "wide"
        address = escape(static(f"{STATIC_PREFIX}/{name}"))
        return (
            f'<a class="manual__picture manual__picture--{shape}" href="{address}">'
            f'<img src="{address}" alt="{words}" width="{width}" height="{height}" loading="lazy"></a>'
        )

    def link_open(
        renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
    ) -> str:
        target, _, anchor = str(tokens[index].attrGet("href") or "").partition("#")
        address = link(target.removesuffix(_SUFFIX)) if target else ""
        if address is None:
            return "<span>"
        tokens[index].attrSet("href", f"{address}#{anchor}" if anchor else address)
        return renderer.renderToken(tokens, index, options, env)

    def link_close(
        renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
    ) -> str:
        return "</a>"

    def table_open(
        renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
    ) -> str:
        env["tables"] = env.get("tables", 0) + 1
        name = escape(f"{env.get('chapter', '')}の表{env['tables']}")
        return (
            f'<div class="table-box" tabindex="0" role="region" aria-label="{name}"><table class="table">\n'
        )

    def table_close(
        renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
    ) -> str:
        return "</table></div>\n"

    rules = (image, link_open, link_close, table_open, table_close)
    for rule in rules:
        parser.add_render_rule(rule.__name__, rule)
    return parser


@cache
def _size_of(path: Path) -> tuple[int, int] | None:
    """Width and height of a picture, or None when it isn't there."""
    try:
        with Image.open(path) as picture:
            return picture.size
    except OSError:
        return None
