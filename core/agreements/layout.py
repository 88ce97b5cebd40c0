"""How a plain text is laid out: `# ` begins a heading, `- ` a point of a list, an empty line ends a paragraph."""

from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["heading", "paragraph", "list"]
_HEADING: Final = "# "
_POINT: Final = "- "


@dataclass(frozen=True, slots=True)
class Block:
    """One piece of a text; a list has its points as lines, the others have one line."""

    kind: Kind
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """All of it in one line."""
        return "".join(self.lines)


def _kind_of(line: str) -> Kind:
    if line.startswith(_HEADING):
        return "heading"
    return "list" if line.startswith(_POINT) else "paragraph"


def blocks(body: str) -> list[Block]:
    """A body as its blocks, in order. Lines of one paragraph become one line."""
    found: list[tuple[Kind, list[str]]] = []
    fresh = True
    for line in body.replace("\r\n", "\n").split("\n"):
        line = line.strip()
        if not line:
            fresh = True
            continue
        kind = _kind_of(line)
        if fresh or kind == "heading" or not found or found[-1][0] != kind:
            found.append((kind, []))
        found[-1][1].append(line if kind == "paragraph" else line[2:].strip())
        fresh = kind == "heading"
    return [Block(kind, tuple(lines) if kind == "list" else ("".join(lines),)) for kind, lines in found]
