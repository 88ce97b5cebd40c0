"""The pages of what went wrong, the proxy's and the application's: what happened and what to do, in plain Japanese."""

import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent.parent
PROXY = sorted((PROJECT / "deploy" / "nginx" / "errors").glob("*.html"))
OWN = [PROJECT / "templates" / f"{status}.html" for status in (413, 429, 500, 503, 507)]


def test_the_proxy_has_a_page_for_what_it_answers_itself() -> None:
    configured = set(
        re.findall(r"/errors/(\d+)\.html;", (PROJECT / "deploy" / "nginx" / "nginx.conf").read_text())
    )
    assert configured == {page.stem for page in PROXY} >= {"413", "429", "500", "502", "503"}


@pytest.mark.parametrize("page", [*PROXY, *OWN], ids=lambda page: f"{page.parent.name}/{page.name}")
def test_a_page_says_what_happened_and_what_to_do_next(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert "もう一度" in text
    # @until@ is filled in when maintenance begins
    words = re.sub(r"<[^>]+>|\{%.*?%\}|@until@|Cookie", "", text)
    assert not re.findall(r"[A-Za-z]{4,}", words), "a technical word"
    assert "<script" not in text and "style=" not in text
