"""Templates compile, and hold nothing the content security policy would block."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.template.loader import get_template, render_to_string

ROOT = Path(settings.BASE_DIR)
TEMPLATES = ROOT / "templates"
NAMES = sorted(path.relative_to(TEMPLATES).as_posix() for path in TEMPLATES.rglob("*.html"))

FORBIDDEN = {
    "a style attribute": re.compile(r"""\sstyle\s*=\s*["']"""),
    "an inline style sheet": re.compile(r"<style\b"),
    "an inline script": re.compile(r"<script\b(?![^>]*\ssrc=)"),
    "an event attribute": re.compile(r"""\son[a-z]+\s*=\s*["']"""),
    "an htmx event attribute": re.compile(r"\shx-on"),
    "an address of another host": re.compile(r"""["'(]\s*(?:https?:)?//"""),
    "a script address": re.compile(r"""["']\s*javascript:""", re.IGNORECASE),
}


def test_there_are_templates() -> None:
    assert len(NAMES) > 40


@pytest.mark.parametrize("name", NAMES)
def test_a_template_compiles(name: str) -> None:
    get_template(name)


@pytest.mark.parametrize("name", NAMES)
def test_a_template_keeps_to_the_content_security_policy(name: str) -> None:
    source = (TEMPLATES / name).read_text(encoding="utf-8")
    assert [what for what, pattern in FORBIDDEN.items() if pattern.search(source)] == []


@pytest.mark.parametrize(
    "name", [name for name in NAMES if name.startswith("office/") and name != "office/base.html"]
)
def test_an_office_template_says_what_context_it_expects(name: str) -> None:
    source = (TEMPLATES / name).read_text(encoding="utf-8")
    assert "{% comment %}" in source


@pytest.mark.parametrize("name", ["400.html", "403.html", "403_csrf.html", "404.html", "500.html"])
def test_an_error_page_needs_no_context_and_says_what_next(name: str) -> None:
    html = render_to_string(name)
    assert "<h1>" in html
    assert 'href="/"' in html
    assert html.count("<p>") >= 2


def test_every_fixed_use_of_an_icon_names_one_that_exists() -> None:
    from core.ui.icons import ICONS

    used = {
        found
        for name in NAMES
        for found in re.findall(r'{% icon "([^"]+)"', (TEMPLATES / name).read_text(encoding="utf-8"))
    }
    assert used <= set(ICONS)
    assert used
