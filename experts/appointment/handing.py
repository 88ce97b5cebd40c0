"""Handing out letters and acceptances: one, or all of a year as ZIP or as one PDF to print. Who takes what is recorded.

Nothing is stored but rows: a page is drawn again from its row, and refused when its bytes aren't those of the issue.
"""

import datetime as dt
import io
import zipfile
from collections.abc import Iterator
from typing import Final

from accounts.models import User
from accounts.rights import require
from core import clock
from core.audit.models import Access
from core.audit.services import record_view
from core.clock import jst
from core.documents.print_run import print_run
from core.documents.sheet import Sheet
from core.errors import DomainError

from .models import Acceptance, Letter, Round
from .offering import ACT
from .papers import acceptance_pdf, checksum, draw_letter, letter_pdf

_BATCH: Final = 200
_UNIX: Final = 3
_MODE: Final = 0o100644


def letter_name(letter: Letter, code: str) -> str:
    """`委嘱状_2026-00001_E000001.pdf`; a slash in a code can't stand in a file's name."""
    safe = code.replace("/", "／").replace("\\", "＼")
    return f"委嘱状_{letter.fiscal_year}-{letter.number:05d}_{safe}.pdf"


def take_letter(*, letter: int, actor: User) -> tuple[str, bytes]:
    """One 委嘱状 as (file name, PDF). Letter.DoesNotExist for one the person may not see."""
    row = Letter.objects.visible_to(actor).select_related("appointment__expert").get(pk=letter)
    content = _as_issued(letter_pdf(row), row.sha256, f"委嘱状 {row.label}")
    expert = row.appointment.expert
    record_view(actor=actor, what=Access.What.DOWNLOAD, object=row, label=f"委嘱状 {row.label} {expert.code}")
    return letter_name(row, expert.code), content


def take_acceptance(*, acceptance: int, actor: User) -> tuple[str, bytes]:
    """One 就任承諾書 as (file name, PDF). Acceptance.DoesNotExist for one the person may not see."""
    row = (
        Acceptance.objects.visible_to(actor)
        .select_related("letter", "appointment__expert")
        .get(pk=acceptance)
    )
    letter = row.letter
    content = _as_issued(acceptance_pdf(row), row.sha256, f"就任承諾書 {letter.label}")
    code = row.appointment.expert.code
    record_view(actor=actor, what=Access.What.DOWNLOAD, object=row, label=f"就任承諾書 {letter.label} {code}")
    return letter_name(letter, code).replace("委嘱状", "就任承諾書", 1), content


def letters_zip(*, round: Round, actor: User) -> Iterator[bytes]:
    """All letters of a year as a ZIP, in pieces. Records who takes it at once; refuses when there is none."""
    count = _record(round, actor, "ZIP")
    return _zip(round, count)


def letters_print(*, round: Round, actor: User) -> Iterator[bytes]:
    """All letters of a year as one PDF, a page each, in pieces. Records who takes it at once; refuses when there is none."""
    count = _record(round, actor, "印刷用PDF")
    newest = Letter.objects.get(fiscal_year=round.fiscal_year, number=count)
    sheet = Sheet(
        title=f"委嘱状 {round.fiscal_year}年度（{count:,}名）",
        author=newest.issuer_name,
        dated=newest.issued_on,
    )
    return print_run(sheet, _letters(round, count), draw_letter)


def _record(round: Round, actor: User, what: str) -> int:
    """Whose letters go out; answers the last number, so that letters issued meanwhile don't slip in."""
    require(actor, ACT)
    rows = Letter.objects.visible_to(actor).filter(fiscal_year=round.fiscal_year)
    ids = dict(rows.order_by("number").values_list("pk", "number"))
    if not ids:
        raise DomainError("委嘱状はまだ発行されていません。発行してから受け取ってください。", code="none")
    record_view(
        actor=actor,
        what=Access.What.DOWNLOAD,
        object=Letter,
        ids=list(ids),
        row_count=len(ids),
        label=f"委嘱状 {round.fiscal_year}年度 {what}",
    )
    return max(ids.values())


def _letters(round: Round, last: int) -> Iterator[Letter]:
    """The letters by number, a batch at a time: no statement stays open while somebody downloads slowly."""
    number = 0
    while True:
        batch = list(
            Letter.objects.filter(fiscal_year=round.fiscal_year, number__gt=number, number__lte=last)
            .select_related("appointment__expert")
            .only(*_FIELDS)
            .order_by("number")[:_BATCH]
        )
        if not batch:
            return
        yield from batch
        number = batch[-1].number


_FIELDS: Final = (
    *(field.name for field in Letter._meta.concrete_fields if field.name not in ("issued_by",)),
    "appointment__expert__code",
)


class Pieces(io.RawIOBase):
    """What a ZIP is written to when nobody can go back: bytes that wait until they are taken."""

    def __init__(self) -> None:
        self._waiting = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        self._waiting += data  # type: ignore[arg-type]
        return len(data)  # type: ignore[arg-type]

    def take(self) -> bytes:
        """What was written since the last time."""
        taken = bytes(self._waiting)
        self._waiting.clear()
        return taken


def _zip(round: Round, last: int) -> Iterator[bytes]:
    out = Pieces()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for letter in _letters(round, last):
            content = _as_issued(letter_pdf(letter), letter.sha256, f"委嘱状 {letter.label}")
            entry = zipfile.ZipInfo(
                letter_name(letter, letter.appointment.expert.code), _stamp(letter.issued_on)
            )
            entry.create_system = _UNIX
            entry.external_attr = _MODE << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content, compresslevel=1)
            yield out.take()
    yield out.take()


def _stamp(day: dt.date) -> tuple[int, int, int, int, int, int]:
    return day.year, day.month, day.day, 0, 0, 0


def _as_issued(content: bytes, sha256: str, name: str) -> bytes:
    if checksum(content) != sha256:
        raise DomainError(
            f"{name}を作り直した内容が、発行したときの記録と一致しません。事務局の管理者へ連絡してください。",
            code="differs",
        )
    return content


def file_stem(round: Round) -> str:
    """How the files of a whole year are called, without an ending."""
    return f"委嘱状_{round.fiscal_year}年度_{jst(clock.now()):%Y%m%d}"
