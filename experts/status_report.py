"""The registration status report to the agency (requirement A9): who is registered, by whom, for what.

One line per expert, in the order of codes, as CSV (the way of the exchange files: UTF-8 with BOM, CRLF), XLSX, PDF.
"""

import csv
import datetime as dt
import io
from collections.abc import Iterator, Sequence
from typing import Any, Final

from django.db.models import Count, Q
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell

from core import clock
from core.documents.flow import Column, Flow
from core.documents.sheet import Sheet
from core.documents.wording import long_date
from core.errors import DomainError
from core.exchange.cells import escape_text
from core.japan.prefectures import BY_CODE
from institutions.models import Institution

from .models import ExpertQuerySet
from .standing import is_active_on

HEADER: Final = (
    "専門家コード",
    "氏名",
    "氏名カナ",
    "都道府県",
    "住所",
    "推薦機関コード",
    "推薦機関名",
    "認定経営革新等支援機関",
    "認定支援機関番号",
    "認定有効期限",
    "登録要件",
    "専門分野",
    "保有資格",
    "登録の状態",
    "登録日",
    "登録の有効期限",
)
# Longer on paper nobody reads, and drawing it would keep the page waiting; as CSV and XLSX all leave at once.
MOST_ON_PAPER: Final = 2_000
_TITLE: Final = "専門家の登録状況報告"
_AUTHOR: Final = "専門家派遣事業 事務局"
_BATCH: Final = 1_000
_SEALED: Final = ("account_number", "account_holder_kana")


def certified(institution: Institution, day: dt.date) -> str:
    """Whether an institution is a certified body on a day, in a word: 該当, 期限切れ, 非該当."""
    if not institution.certification_number:
        return "非該当"
    until = institution.certified_until
    return "期限切れ" if until is not None and until < day else "該当"


def certified_on(day: dt.date) -> Q:
    """The condition of 該当 for a query about experts, by their recommending institution."""
    return ~Q(recommended_by__certification_number="") & (
        Q(recommended_by__certified_until=None) | Q(recommended_by__certified_until__gte=day)
    )


def report_lines(experts: ExpertQuerySet, day: dt.date) -> Iterator[tuple[str, ...]]:
    """A line for each expert as it is on a day, in the order of codes; read in batches, memory stays the same."""
    rows = experts.select_related("recommended_by").defer(*_SEALED).order_by("code")
    for expert in rows.iterator(chunk_size=_BATCH):
        body = expert.recommended_by
        prefecture = BY_CODE.get(expert.prefecture_code)
        yield (
            expert.code,
            expert.name,
            expert.kana,
            prefecture.name if prefecture else expert.prefecture_code,
            expert.address,
            body.code,
            body.name,
            certified(body, day),
            body.certification_number,
            _day(body.certified_until),
            expert.requirement,
            ";".join(expert.topics),
            ";".join(expert.qualifications),
            "登録中" if is_active_on(expert, day) else "終了",
            _day(clock.jst(expert.created_at).date()),
            _day(expert.valid_until),
        )


def _day(day: dt.date | None) -> str:
    return f"{day:%Y-%m-%d}" if day is not None else ""


def counts(experts: ExpertQuerySet, day: dt.date) -> dict[str, int]:
    """How many there are: total, active (registered on the day), certified (recommended by a certified body)."""
    return experts.order_by().aggregate(
        total=Count("pk"),
        active=Count("pk", filter=Q(valid_until=None) | Q(valid_until__gte=day)),
        certified=Count("pk", filter=certified_on(day)),
    )


def csv_parts(experts: ExpertQuerySet, day: dt.date) -> Iterator[bytes]:
    """The report as CSV, some lines at a time."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow(HEADER)
    yield b"\xef\xbb\xbf"
    for place, line in enumerate(report_lines(experts, day), 1):
        writer.writerow([escape_text(cell) for cell in line])
        if place % _BATCH == 0:
            yield file.getvalue().encode()
            file.seek(0)
            file.truncate()
    yield file.getvalue().encode()


def report_xlsx(experts: ExpertQuerySet, day: dt.date, facts: Sequence[tuple[str, str]]) -> bytes:
    """The same as a workbook; every cell is text, so nothing in it is a formula."""
    book = Workbook(write_only=True)
    about = book.create_sheet("報告")
    for fact in facts:
        about.append([_text(about, value) for value in fact])
    sheet = book.create_sheet("登録状況")
    sheet.append([_text(sheet, value) for value in HEADER])
    for line in report_lines(experts, day):
        sheet.append([_text(sheet, value) for value in line])
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def _text(sheet: Any, value: str) -> Any:
    made: Any = WriteOnlyCell(sheet)
    if value:
        made._value = value  # by `value` the library would guess a formula or an error
        made.data_type, made.number_format = "s", "@"
    return made


def report_pdf(experts: ExpertQuerySet, day: dt.date, facts: Sequence[tuple[str, str]]) -> bytes:
    """The same on A4. DomainError when it would be longer than MOST_ON_PAPER lines."""
    if experts.count() > MOST_ON_PAPER:
        raise DomainError(
            f"PDF にできるのは{MOST_ON_PAPER:,}人までです。都道府県や管内などで絞り込むか、CSV・XLSX を選んでください。",
            code="too_long",
        )
    lines = list(report_lines(experts, day))
    rows = [
        (
            code,
            f"{name}（{kana}）" if kana else name,
            address if address.startswith(prefecture) else f"{prefecture}{address}",
            f"{body}　認定：{mark}" + (f" {number}" if number else "") + (f" {until}まで" if until else ""),
            topics.replace(";", "、"),
            qualifications.replace(";", "、"),
            f"{state} {valid}まで" if valid else state,
        )
        for (
            code,
            name,
            kana,
            prefecture,
            address,
            _,
            body,
            mark,
            number,
            until,
            _,
            topics,
            qualifications,
            state,
            _,
            valid,
        ) in lines
    ]
    # the first time only counts the pages
    flow = _drawn(day, facts, rows, total=0)
    return _drawn(day, facts, rows, total=flow.pages).sheet.pdf()


def _drawn(
    day: dt.date, facts: Sequence[tuple[str, str]], rows: Sequence[Sequence[str]], *, total: int
) -> Flow:
    sheet = Sheet(title=_TITLE, author=_AUTHOR, subject=long_date(day), dated=day)
    flow = Flow(sheet, running=f"{_TITLE}　{long_date(day)}", total=total)
    flow.title(_TITLE, f"{long_date(day)}現在　{_AUTHOR}")
    flow.facts(facts)
    flow.heading("登録専門家")
    flow.table(
        (
            Column("コード", 1.1),
            Column("氏名", 1.7),
            Column("住所", 2.2),
            Column("推薦機関", 2.4),
            Column("専門分野", 1.6),
            Column("保有資格", 1.6),
            Column("状態", 1.1),
        ),
        rows,
    )
    return flow
