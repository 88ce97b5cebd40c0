"""Static files: vendored with licence and version, nothing from another host, styles on the tokens."""

import re
from pathlib import Path

import pytest
from django.conf import settings

STATIC = Path(settings.BASE_DIR) / "static"
VENDORED = sorted(path.name for path in (STATIC / "vendor").iterdir() if path.is_dir())
STYLES = sorted(path.name for path in (STATIC / "css").glob("*.css"))


def test_something_is_vendored() -> None:
    assert {"design-tokens", "htmx"} <= set(VENDORED)


@pytest.mark.parametrize("name", VENDORED)
def test_a_vendored_thing_has_its_licence_and_version(name: str) -> None:
    folder = STATIC / "vendor" / name
    assert (folder / "LICENSE").read_text(encoding="utf-8").strip()
    assert re.search(r"\d+\.\d+", (folder / "VERSION").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "path", sorted([*STATIC.rglob("*.css"), *STATIC.rglob("*.js")]), ids=lambda path: path.name
)
def test_a_style_or_script_loads_nothing_from_elsewhere(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    assert not re.search(r"url\(\s*[\"']?(?:https?:)?//|@import|sourceMappingURL", source)


@pytest.mark.parametrize("name", [name for name in STYLES if name != "variables.css"])
def test_every_variable_a_style_uses_is_defined(name: str) -> None:
    defined: set[str] = set()
    for source in [
        STATIC / "vendor/design-tokens/tokens.css",
        STATIC / "css/variables.css",
        STATIC / "css" / name,
    ]:
        defined |= set(re.findall(r"^\s*(--[a-z0-9-]+):", source.read_text(encoding="utf-8"), re.MULTILINE))
    used = set(re.findall(r"var\((--[a-z0-9-]+)", (STATIC / "css" / name).read_text(encoding="utf-8")))
    assert used - defined == set()


def test_colours_come_from_the_tokens() -> None:
    literal = {
        name: found
        for name in STYLES
        if (found := re.findall(r"#[0-9a-fA-F]{3,8}\b", (STATIC / "css" / name).read_text(encoding="utf-8")))
    }
    # one surface that the tokens lack: a paler ground than gray-50
    assert literal == {"variables.css": ["#f8f8fb"]}
