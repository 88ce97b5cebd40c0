"""How a payment notice is laid out: one page for up to a dozen visits, further pages where it takes more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.documents.linebreak import fit, lines_of
from core.documents.sheet import A4_HEIGHT, A4_WIDTH, HAIR, INK, LINE, QUIET, SHADE, Sheet
from core.documents.wording import long_date, year_month, yen
from payments.documents.notice_table import (
    AMOUNT,
    ITEM,
    REASON,
    REASON_ROOM,
    VISIT,
    NoticeTable,
    Part,
    paginate,
)

if TYPE_CHECKING:
    from payments.documents.notice import Notice

TITLE = "支払通知書（仕入明細書）"
LEFT, RIGHT = 40.0, A4_WIDTH - 40
TOP, BOTTOM = A4_HEIGHT - 36, 38.0

HEAD_ROW = 15.0
FIRST_TABLE_TOP = TOP - 190
NEXT_TABLE_TOP = TOP - 26
TOTAL_ROW = 13.0
SMALL = 7.5
SMALL_LEADING = 1.4


class NoticePages:
    """Draws one notice on a sheet."""

    def __init__(self, sheet: Sheet, notice: Notice) -> None:
        self.sheet = sheet
        self.notice = notice
        self.sentences = [line for text in self._sentences() for line in lines_of(text, RIGHT - LEFT, SMALL)]

    def draw(self) -> None:
        """Draw all pages."""
        tail = 6 * TOTAL_ROW + 10 + len(self.sentences) * SMALL * SMALL_LEADING
        pages = paginate(
            self.notice.dispatches,
            first_room=FIRST_TABLE_TOP - HEAD_ROW - BOTTOM,
            next_room=NEXT_TABLE_TOP - HEAD_ROW - BOTTOM,
            tail=tail,
        )
        for number, parts in enumerate(pages, start=1):
            if number == 1:
                self._heading()
                self._parties()
                self._payment()
                bottom = self._table(FIRST_TABLE_TOP, parts)
            else:
                self._running_head()
                bottom = self._table(NEXT_TABLE_TOP, parts)
            if number == len(pages):
                self._remarks(self._totals(bottom))
            else:
                self.sheet.text(RIGHT, bottom - 10, "次ページに続く", size=SMALL, align="right", colour=QUIET)
            self.sheet.text(
                A4_WIDTH / 2, 22, f"{number}/{len(pages)}", size=SMALL, align="center", colour=QUIET
            )
            self.sheet.next_page()

    def _heading(self) -> None:
        sheet, notice = self.sheet, self.notice
        sheet.text(A4_WIDTH / 2, TOP - 13, TITLE, size=16, bold=True, align="center")
        number = f"通知番号 {notice.number}"
        sheet.fitted(RIGHT, TOP - 3, number, width=142, size=8, align="right", narrowest=60)
        sheet.text(RIGHT, TOP - 14, f"発行日 {long_date(notice.issue_date)}", size=8, align="right")
        sheet.rule(LEFT, TOP - 21, RIGHT, TOP - 21, weight=1.2, colour=INK)

    def _parties(self) -> None:
        sheet, notice = self.sheet, self.notice
        sheet.fitted(LEFT, TOP - 37, notice.payee_address, width=270, size=8.5, most_lines=2)
        name = f"{notice.payee_name} {notice.payee_honorific}"
        one_line = fit(name, width=270, size=14, smallest=10, narrowest=80, bold=True)
        if one_line.size >= 10:
            sheet.lines(LEFT, TOP - 70, one_line, bold=True)
        else:
            sheet.fitted(LEFT, TOP - 61, name, width=270, size=10, most_lines=2, bold=True, leading=1.2)
        sheet.rule(LEFT, TOP - 79, LEFT + 276, TOP - 79, colour=INK)
        codes = f"専門家コード {notice.payee_code}"
        if notice.payee_registration_number:
            codes += f"  登録番号 {notice.payee_registration_number}"
        sheet.fitted(LEFT, TOP - 91, codes, width=276, size=8.5)

        x, room = LEFT + 310, RIGHT - LEFT - 310
        y = sheet.fitted(x, TOP - 37, notice.payer_name, width=room, size=10, most_lines=2, bold=True)
        y = sheet.fitted(x, y, notice.payer_address, width=room, size=8, most_lines=2)
        y = sheet.fitted(x, y, f"電話 {notice.payer_phone}", width=room, size=8)
        if notice.payer_registration_number:
            sheet.fitted(x, y, f"登録番号 {notice.payer_registration_number}", width=room, size=8)

    def _payment(self) -> None:
        sheet, notice = self.sheet, self.notice
        sentence = f"{year_month(notice.month)}分の専門家派遣に係る謝金及び旅費を、次のとおりお支払いします。"
        sheet.text(LEFT, TOP - 110, sentence, size=9)
        bottom, height, split = TOP - 174, 56.0, LEFT + 200
        sheet.box(LEFT, bottom, split - LEFT, height, fill=SHADE)
        sheet.box(LEFT, bottom, RIGHT - LEFT, height, line=INK, weight=0.9)
        sheet.rule(split, bottom, split, bottom + height, colour=LINE)
        sheet.text(LEFT + 10, bottom + height - 16, "差引振込額", size=9, bold=True)
        sheet.fitted(
            split - 12,
            bottom + 13,
            yen(notice.net),
            width=176,
            size=22,
            smallest=14,
            bold=True,
            align="right",
        )
        account = f"{notice.account_type} {notice.masked_account_number}"
        for row, (label, value) in enumerate(
            (
                ("振込日", long_date(notice.pay_date)),
                ("振込先", f"{notice.bank_name} {notice.branch_name} {account}"),
                ("口座名義", notice.account_holder_kana),
            )
        ):
            y = bottom + height - 15 - 17 * row
            sheet.text(split + 10, y, label, size=8, colour=QUIET)
            sheet.fitted(split + 52, y, value, width=RIGHT - split - 58, size=9, smallest=7)

    def _running_head(self) -> None:
        sheet, notice = self.sheet, self.notice
        sheet.text(LEFT, TOP - 10, f"{TITLE}（続き）", size=9, bold=True)
        head = f"通知番号 {notice.number}  {notice.payee_name} {notice.payee_honorific}"
        sheet.fitted(RIGHT, TOP - 10, head, width=RIGHT - LEFT - 170, size=8.5, align="right", narrowest=60)
        sheet.rule(LEFT, TOP - 17, RIGHT, TOP - 17, weight=1.2, colour=INK)

    def _table(self, top: float, parts: list[Part]) -> float:
        sheet = self.sheet
        if not parts:
            return top
        sheet.box(LEFT, top - HEAD_ROW, RIGHT - LEFT, HEAD_ROW, fill=SHADE)
        sheet.rule(LEFT, top, RIGHT, top, colour=INK, weight=0.8)
        sheet.rule(LEFT, top - HEAD_ROW, RIGHT, top - HEAD_ROW, colour=LINE)
        y = top - HEAD_ROW + 4.5
        for x, text in ((VISIT, "派遣・支援先"), (ITEM, "費目"), (REASON, "計算の内容")):
            sheet.text(x, y, text, size=8, bold=True)
            if x == ITEM:
                sheet.text(AMOUNT, y, "金額（税込）", size=8, bold=True, align="right")
        bottom = NoticeTable(sheet).draw(top - HEAD_ROW, parts)
        sheet.rule(LEFT, bottom, RIGHT, bottom, colour=INK, weight=0.8)
        return bottom

    def _totals(self, top: float) -> float:
        sheet, notice = self.sheet, self.notice
        rate = f"{notice.tax_rate}%"
        rows = (
            ("謝金計", notice.fee_total, f"派遣 {len(notice.dispatches)}件"),
            ("旅費計", notice.travel_total, ""),
            ("支払総額（税込）", notice.gross, f"{rate}対象 {yen(notice.gross)}（税込）"),
            (f"うち消費税額（{rate}）", notice.consumption_tax, notice.tax_explanation),
            ("源泉徴収税額", notice.withholding, notice.withholding_explanation),
            ("差引振込額", notice.net, f"{yen(notice.gross)} － {yen(notice.withholding)}"),
        )
        bottom = top - TOTAL_ROW * len(rows)
        sheet.box(LEFT, bottom, RIGHT - LEFT, TOTAL_ROW, fill=SHADE)
        for row, (label, amount, reason) in enumerate(rows):
            y = top - TOTAL_ROW * (row + 1) + 3.8
            strong = row in (2, 5)
            sheet.text(VISIT, y, label, size=8.5, bold=strong)
            sheet.fitted(AMOUNT, y, yen(amount), width=100, size=9, bold=strong, align="right")
            if reason:
                sheet.fitted(REASON, y, reason, width=REASON_ROOM, size=7.5)
            if row < len(rows) - 1:
                sheet.rule(LEFT, y - 3.8, RIGHT, y - 3.8, weight=0.4, colour=HAIR)
        sheet.rule(LEFT, bottom, RIGHT, bottom, colour=INK, weight=0.8)
        return bottom

    def _remarks(self, top: float) -> None:
        y = top - 12
        for line in self.sentences:
            self.sheet.text(LEFT, y, line, size=SMALL)
            y -= SMALL * SMALL_LEADING

    def _sentences(self) -> list[str]:
        notice = self.notice
        registered = (
            f"本書は、適格請求書発行事業者（登録番号 {notice.payee_registration_number}）からの"
            "仕入れに係る仕入明細書を兼ねます。"
        )
        unregistered = (
            "適格請求書発行事業者の登録番号のお届けがないため、"
            "適格請求書発行事業者以外の方からの課税仕入れとして取り扱います。"
            "登録番号をお持ちの場合は、お問い合わせ先までお知らせください。"
        )
        objection = (
            f"記載内容に誤りがある場合は、発行日から{notice.objection_days}日以内"
            f"（{long_date(notice.objection_until)}まで）にご連絡ください。"
            "期限までにご連絡がない場合は、記載内容をご確認いただいたものとします。"
        )
        contact = (
            f"お問い合わせ先：{notice.payer_name} 電話 {notice.payer_phone}（通知番号をお知らせください。）"
        )
        return [
            registered if notice.payee_registration_number else unregistered,
            objection,
            *notice.notes,
            contact,
        ]
