"""Whether every piece may be used: its licence stands in deploy/sbom/licences.csv and is one of ours, or a reason does."""

import csv
from dataclasses import dataclass
from pathlib import Path

from license_expression import ExpressionError, get_spdx_licensing

from .parts import PROJECT, Piece

TABLE = "deploy/sbom/licences.csv"
ALLOWED = frozenset(
    {
        "0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "LGPL-3.0-only", "LGPL-3.0-or-later", "MIT", "MIT-0",
        "MIT-CMU", "OFL-1.1", "PSF-2.0", "PostgreSQL",
    }
)  # fmt: skip
_SPDX = get_spdx_licensing()


@dataclass(frozen=True)
class Licence:
    """What somebody has found out about a piece's licence; `exception`: why it is used although it isn't one of ours."""

    expression: str
    exception: str

    @property
    def is_spdx(self) -> bool:
        """Whether the licence can be said in SPDX's words."""
        try:
            return _SPDX.parse(self.expression, validate=True) is not None
        except ExpressionError:
            return False


def licences(project: Path = PROJECT) -> dict[str, Licence]:
    """The table, by piece."""
    with (project / TABLE).open(encoding="utf-8", newline="") as file:
        return {row["component"]: Licence(row["licence"], row["exception"]) for row in csv.DictReader(file)}


def is_allowed(expression: str) -> bool:
    """Whether an expression leaves us a choice of our licences alone: of OR one side, of AND both."""
    try:
        parsed = _SPDX.parse(expression, validate=True)
    except ExpressionError:
        return False
    if parsed is None:
        return False
    ours = {_SPDX.parse(name): _SPDX.TRUE for name in ALLOWED}
    others = {symbol: _SPDX.FALSE for symbol in parsed.symbols if symbol not in ours}
    return bool(parsed.subs({**ours, **others}, simplify=True) == _SPDX.TRUE)


def problems(found: list[Piece], table: dict[str, Licence]) -> list[str]:
    """What is wrong, in words: a piece without a row, a licence that isn't ours without a reason, a row without a piece."""
    wrong = []
    for piece in found:
        licence = table.get(piece.name)
        if licence is None:
            wrong.append(
                f"{piece.name} {piece.version} のライセンスが分かりません。確かめて {TABLE} に加えてください。"
            )
        elif not licence.exception and not is_allowed(licence.expression):
            wrong.append(
                f"{piece.name} のライセンス {licence.expression} は使えません。別の部品に替えてください。"
            )
    wrong += [
        f"{name} はもう使っていません。{TABLE} から消してください。"
        for name in sorted(set(table) - {each.name for each in found})
    ]
    return wrong
