"""The two pages of an appointment as PDF: 委嘱状 and 就任承諾書. Drawn from their rows alone, always to the same bytes."""

import hashlib
from typing import Final

from core.clock import jst
from core.documents.sheet import A4_HEIGHT, A4_WIDTH, INK, LINE, QUIET, Sheet
from core.japan.calendar import era_date, long_date

from .models import Acceptance, Letter

# Raised when a page's words or look change; what was issued with an earlier one keeps its own function.
LETTER_LAYOUT: Final = 1
ACCEPTANCE_LAYOUT: Final = 1

PROGRAMME: Final = "中小企業119専門家派遣事業"
_LEFT, _RIGHT = 78.0, A4_WIDTH - 78
_MIDDLE = A4_WIDTH / 2
_WIDTH = _RIGHT - _LEFT


def checksum(content: bytes) -> str:
    """SHA-256 (hex), as letters and acceptances keep it."""
    return hashlib.sha256(content).hexdigest()


def letter_pdf(letter: Letter) -> bytes:
    """The 委嘱状 of a letter."""
    sheet = Sheet(
        title=f"委嘱状 {letter.label}",
        author=letter.issuer_name,
        subject=f"{letter.fiscal_year}年度 {letter.name}",
        dated=letter.issued_on,
    )
    draw_letter(sheet, letter)
    return sheet.pdf()


def draw_letter(sheet: Sheet, letter: Letter) -> None:
    """Draws the 委嘱状 on the sheet's current page."""
    _LETTERS[letter.layout](sheet, letter)


def acceptance_pdf(acceptance: Acceptance) -> bytes:
    """The 就任承諾書 of an acceptance (with its letter)."""
    letter = acceptance.letter
    sheet = Sheet(
        title=f"就任承諾書 {letter.label}",
        author=acceptance.name,
        subject=f"{letter.fiscal_year}年度",
        dated=jst(acceptance.accepted_at).date(),
    )
    _ACCEPTANCES[acceptance.layout](sheet, acceptance)
    return sheet.pdf()


def _frame(sheet: Sheet) -> None:
    """Two fine lines around the page, as a certificate has them."""
    for inset, weight in ((34.0, 1.6), (39.0, 0.5)):
        sheet.box(
            inset,
            inset,
            A4_WIDTH - 2 * inset,
            A4_HEIGHT - 2 * inset,
            line=INK if inset < 36 else LINE,
            weight=weight,
        )


def _title(sheet: Sheet, y: float, text: str, size: float) -> None:
    """A title in wide-set characters."""
    step = size * 1.9
    x = _MIDDLE - step * (len(text) - 1) / 2
    for character in text:
        sheet.text(x, y, character, size=size, bold=True, align="center")
        x += step


def _letter_1(sheet: Sheet, letter: Letter) -> None:
    _frame(sheet)
    sheet.text(_RIGHT, A4_HEIGHT - 92, letter.label, size=11, align="right")
    _title(sheet, A4_HEIGHT - 176, "委嘱状", 30)
    sheet.fitted(
        _LEFT + 24, A4_HEIGHT - 262, f"{letter.name}　殿", width=_WIDTH - 48, size=20, smallest=12, bold=True
    )
    body = f"　貴殿を{PROGRAMME}の専門家に委嘱します。"
    y = sheet.paragraph(_LEFT, A4_HEIGHT - 330, body, width=_WIDTH, size=14, leading=2, colour=INK)
    y -= 22
    for label, value in (
        ("委嘱期間", f"{era_date(letter.first_day)}から{era_date(letter.last_day)}まで"),
        ("委嘱事項", "中小企業・小規模事業者等への専門的な助言"),
        ("委嘱条件", f"同意された「{letter.terms_title}」（{letter.terms_version}版）による"),
    ):
        sheet.text(_LEFT + 14, y, label, size=12, bold=True)
        y = sheet.fitted(_LEFT + 92, y, value, width=_WIDTH - 92, size=12, most_lines=2, leading=1.7) - 10
    y = 262.0
    sheet.text(_LEFT + 14, y, era_date(letter.issued_on), size=13)
    below = sheet.fitted(
        _RIGHT,
        y - 58,
        letter.issuer_name,
        width=_WIDTH - 40,
        size=14,
        most_lines=2,
        align="right",
        leading=1.6,
    )
    sheet.fitted(_RIGHT, below, letter.issuer_title, width=_WIDTH - 40, size=14, align="right")
    sheet.text(
        _MIDDLE,
        58,
        f"この委嘱状は電子データで交付しています。内容は{letter.label}の記録でいつでも確かめられます。",
        size=7.5,
        align="center",
        colour=QUIET,
    )


def _acceptance_1(sheet: Sheet, acceptance: Acceptance) -> None:
    letter, moment = acceptance.letter, jst(acceptance.accepted_at)
    sheet.text(_RIGHT, A4_HEIGHT - 92, era_date(moment.date()), size=12, align="right")
    sheet.fitted(_LEFT, A4_HEIGHT - 134, letter.issuer_name, width=_WIDTH, size=13)
    sheet.fitted(_LEFT, A4_HEIGHT - 156, f"{letter.issuer_title}　殿", width=_WIDTH, size=13)
    _title(sheet, A4_HEIGHT - 236, "就任承諾書", 22)
    body = (
        f"　{era_date(letter.issued_on)}付け委嘱状（{letter.label}）により委嘱を受けた、{PROGRAMME}の専門家に"
        "就任することを承諾します。"
    )
    y = sheet.paragraph(_LEFT, A4_HEIGHT - 306, body, width=_WIDTH, size=13, leading=2, colour=INK)
    y -= 22
    for label, value in (
        ("委嘱期間", f"{era_date(letter.first_day)}から{era_date(letter.last_day)}まで"),
        ("委嘱条件", f"「{letter.terms_title}」（{letter.terms_version}版）に同意しています"),
    ):
        sheet.text(_LEFT + 14, y, label, size=12, bold=True)
        y = sheet.fitted(_LEFT + 92, y, value, width=_WIDTH - 92, size=12, most_lines=2, leading=1.7) - 10
    sheet.fitted(_RIGHT, 300, f"専門家　{acceptance.name}", width=_WIDTH, size=15, bold=True, align="right")
    sheet.rule(_LEFT, 128, _RIGHT, 128)
    y = 112.0
    for line in (
        f"承諾日時　{long_date(moment.date())} {moment:%H:%M:%S}",
        f"承諾の方法　専門家本人のログインによる電子的な承諾（文面 {acceptance.layout}版）",
    ):
        sheet.text(_LEFT, y, line, size=8.5, colour=QUIET)
        y -= 13


_LETTERS: Final = {1: _letter_1}
_ACCEPTANCES: Final = {1: _acceptance_1}
