"""`make sbom`: writes docs/evidence/sbom.json and sbom.md; exit status 1 when a piece may not be in production."""

import datetime as dt
import os
import platform
import sys
from collections.abc import Iterator
from pathlib import Path

from core import clock
from core.version import VERSION, commit

from . import licences, support
from .bill import bill
from .parts import PROJECT, Piece, Wrong, pieces

_KINDS = {
    "library": "Python のパッケージ",
    "file": "同梱したファイル（画面の部品、書体）",
    "platform": "土台（イメージ）",
}


def main(folder: Path = PROJECT / "docs/evidence") -> int:
    """Writes both files and answers the exit status."""
    today = clock.today()
    try:
        found = pieces()
    except Wrong as wrong:
        sys.stderr.write(f"エラー: {wrong}\n")
        return 1
    licence_table, ends = licences.licences(), support.ends()
    problems = [*licences.problems(found, licence_table), *support.problems(found, ends, today)]
    soon = support.warnings(found, ends, today)
    if not [piece for piece in found if piece.name not in licence_table]:
        (folder / "sbom.json").write_text(bill(found, licence_table, ends), encoding="utf-8")
    lines = [*_head(today, found, problems, soon), *_tables(found, licence_table, ends)]
    (folder / "sbom.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    for line in problems:
        sys.stderr.write(f"エラー: {line}\n")
    for line in soon:
        sys.stderr.write(f"注意: {line}\n")
    sys.stdout.write(f"{len(found)} 件の部品を docs/evidence/sbom.json に書きました。\n")
    return 1 if problems else 0


def _head(today: dt.date, found: list[Piece], problems: list[str], soon: list[str]) -> Iterator[str]:
    load = "、".join(f"{each:.1f}" for each in os.getloadavg())
    yield "# 部品表とサポート終了"
    yield ""
    yield f"- 作成: {today.isoformat()}、版 {VERSION}、コミット {commit() or '不明'}"
    yield f"- 機械: {platform.system()} {platform.machine()}、{os.cpu_count()} コア、負荷 {load}"
    yield f"- 部品: {len(found)} 件。機械可読の一覧は [sbom.json](sbom.json)（CycloneDX 1.6。同じ部品なら同じバイト）"
    yield f"- 判定: **{'問題なし' if not problems else f'問題 {len(problems)} 件'}**、180 日以内にサポートが終わるもの {len(soon)} 件"
    yield ""
    yield "本番に入るものだけを載せています。ライセンスは MIT・BSD・Apache・LGPL・PSF・PostgreSQL・OFL だけを使い、それ以外は理由を書いたものに限ります。"
    yield "サポート終了日の元は `docs/operations/support-ends.csv`、ライセンスの元は `deploy/sbom/licences.csv`、同梱ファイルの元は `deploy/sbom/vendored.csv` です。"
    for title, lines in (("問題", problems), ("180 日以内に終わるもの", soon)):
        if lines:
            yield ""
            yield f"## {title}"
            yield from (f"- {line}" for line in lines)


def _tables(
    found: list[Piece], licence_table: dict[str, licences.Licence], ends: list[support.End]
) -> Iterator[str]:
    for kind in ("platform", "file", "library"):
        yield ""
        yield f"## {_KINDS[kind]}"
        yield "| 部品 | 版 | ライセンス | サポート終了 | 根拠 |"
        yield "|---|---|---|---|---|"
        for piece in found:
            if piece.kind != kind:
                continue
            licence, end = licence_table.get(piece.name), support.end_of(piece, ends)
            words = "不明" if licence is None else licence.expression
            if licence is not None and licence.exception:
                words += f"（{licence.exception}）"
            until = (
                "不明"
                if end is None
                else end.end.isoformat()
                if end.end
                else f"公表なし（{end.confirmed} の棚卸し）"
            )
            source = "" if end is None else "。".join(each for each in (end.source, end.note) if each)
            yield f"| {piece.name} | {piece.version} | {words} | {until} | {source} |"


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.test")
    sys.exit(main())
