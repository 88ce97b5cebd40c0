"""The completion report to the agency (B2): what was done with each line of its roster, as PDF and as XLSX.

Of an applied roster the report never changes: everything in it was frozen when it was applied.
"""

import io
from collections.abc import Iterator
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell

from core import clock
from core.documents.flow import Column, Flow
from core.documents.sheet import Sheet
from core.documents.wording import long_date
from core.errors import DomainError
from institutions.models import Roster, RosterLine

from .selectors import changes_of, tallies

Outcome = RosterLine.Outcome
HEADER = ("行", "機関コード", "機関名", "区分", "処理", "内容")
_AUTHOR = "専門家派遣事業 事務局"
_APPLIED = {
    Outcome.NEW.value: "登録した",
    Outcome.CHANGED.value: "変更した",
    Outcome.GONE.value: "有効期限を付けた",
}


def report_lines(roster: Roster) -> Iterator[tuple[str, str, str, str, str, str]]:
    """A line of the report for each line of the roster, in its order, what is gone last. One query.

    DomainError for a roster that isn't applied: there is nothing to report yet.
    """
    if roster.state != Roster.State.APPLIED:
        raise DomainError("完了報告は、名簿を反映した後に作れます。先に反映してください。")
    lines = roster.lines.order_by("line", "code")
    for line in sorted(lines, key=lambda each: (each.line == 0, each.line, each.code)):
        yield (
            str(line.line or ""),
            line.code,
            line.name,
            line.get_outcome_display(),
            _done(line),
            _details(line, roster),
        )


def _done(line: RosterLine) -> str:
    if line.outcome == Outcome.UNCHANGED:
        return "変更なし"
    if line.outcome == Outcome.BAD:
        return "反映しなかった（誤り）"
    return _APPLIED[line.outcome] if line.accepted else "反映しなかった"


def _details(line: RosterLine, roster: Roster) -> str:
    if line.outcome == Outcome.BAD:
        return "。".join(f"{fault['column']} {fault['reason']}".strip().rstrip("。") for fault in line.faults)
    if line.outcome == Outcome.GONE:
        return f"{long_date(roster.effective_on)}の前日まで有効" if line.accepted else ""
    if line.outcome == Outcome.CHANGED:
        return "、".join(
            f"{each.column}: {each.was or '（空）'} → {each.now or '（空）'}" for each in changes_of(line)
        )
    return ""


def _facts(roster: Roster) -> list[tuple[str, str]]:
    assert roster.ended_at is not None and roster.ended_by is not None
    ended = clock.jst(roster.ended_at)
    return [
        ("名簿", f"{roster.file_name}（{roster.get_kind_display()}）"),
        ("ファイルの SHA-256", roster.sha256),
        ("適用日", long_date(roster.effective_on)),
        ("反映", f"{long_date(ended.date())} {ended:%H:%M}　{roster.ended_by.get_full_name()}"),
        *(
            (each.label, f"{each.count:,}行（うち反映 {each.accepted:,}行）")
            for each in tallies(roster)
            if each.count
        ),
    ]


def report_pdf(roster: Roster) -> bytes:
    """The report on A4; the same bytes whenever it is made. `roster` with ended_by."""
    rows = [(line, code, name, done, details) for line, code, name, _, done, details in report_lines(roster)]
    facts = _facts(roster)
    # the first time only counts the pages
    flow = _drawn(roster, facts, rows, total=0)
    return _drawn(roster, facts, rows, total=flow.pages).sheet.pdf()


def _drawn(
    roster: Roster, facts: list[tuple[str, str]], rows: list[tuple[str, str, str, str, str]], *, total: int
) -> Flow:
    assert roster.ended_at is not None
    title = "派遣可能機関の登録・変更 完了報告"
    day = clock.jst(roster.ended_at).date()
    flow = Flow(
        Sheet(title=title, author=_AUTHOR, subject=roster.file_name, dated=day),
        running=f"{title}　{roster.file_name}",
        total=total,
    )
    flow.title(title, f"{long_date(day)}　{_AUTHOR}")
    flow.facts(facts)
    flow.heading("各行の処理")
    flow.table(
        (
            Column("行", 0.6, figures=True),
            Column("機関コード", 1.4),
            Column("機関名", 3),
            Column("処理", 1.8),
            Column("内容", 4),
        ),
        rows,
    )
    return flow


def report_xlsx(roster: Roster) -> bytes:
    """The same as a workbook; every cell is text, so nothing in it is a formula. `roster` with ended_by."""
    lines = list(report_lines(roster))
    book = Workbook(write_only=True)
    about = book.create_sheet("完了報告")
    for fact in _facts(roster):
        about.append([_text(about, value) for value in fact])
    sheet = book.create_sheet("各行の処理")
    for row in (HEADER, *lines):
        sheet.append([_text(sheet, value) for value in row])
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def _text(sheet: Any, value: str) -> Any:
    made: Any = WriteOnlyCell(sheet)
    if value:
        made._value = value  # by `value` the library would guess a formula or an error
        made.data_type, made.number_format = "s", "@"
    return made
