"""How fast payment notices are made: PDFs per second on one core, and memory over a month.

The same text on reportlab's own canvas is the yardstick.

Usage: python benchmarks/notices.py [COUNT]   (notices in the memory part, default 7000)
"""

from __future__ import annotations

import datetime as dt
import io
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from core.documents.fonts import FONT_FOLDER
from core.documents.sheet import Sheet
from payments.documents.notice import Notice, NoticeDispatch, NoticeLine, notice_pdf

FAMILY = "吉田福井佐藤鈴木高橋渡辺伊藤山本中村小林加藤吉川斎藤松井清水山口池田橋本石川前田"
GIVEN = "一郎陽子健太美咲翔大結衣拓也真由美直樹智子誠恵子浩二裕美和也久美子"
TRAVEL = (
    ("鉄道", 12340, "運賃 6,050円 + 特急料金 5,040円 + 指定席料金 1,250円（325.4km）= 12,340円"),
    ("私有車", 1554, "42.7km → 42km × 37円 = 1,554円"),
    ("日当", 1100, "行程 650.8km ≧ 100.0km、支援 150分 ≧ 30分 → 1,100円"),
)


def sample(number: int) -> Notice:
    """One of many different notices with three or four visits."""
    family, given = FAMILY[number * 2 % 40 :][:2], GIVEN[number * 2 % 30 :][:2]
    fee = NoticeLine("謝金", 13200, "2時間30分 → 5単位 × 2,640円（1日上限31,680円の残り 21,120円）")
    dispatches = tuple(
        NoticeDispatch(
            number=f"D2021{number:05d}{visit}",
            visit_date=dt.date(2021, 7, 1 + (number + 7 * visit) % 31),
            client_name=f"株式会社{FAMILY[(number + visit) % 38 :][:2]}製作所",
            start=dt.time(13),
            end=dt.time(15, 30),
            minutes=150,
            lines=(fee, *(NoticeLine(*line) for line in TRAVEL[: (number + visit) % 3])),
        )
        for visit in range(3 + number % 2)
    )
    gross = sum(dispatch.amount for dispatch in dispatches)
    fees = 13200 * len(dispatches)
    withheld = gross * 1021 // 10000
    return Notice(
        number=f"2021-07-1-E{number:06d}",
        month=dt.date(2021, 7, 1),
        issue_date=dt.date(2021, 8, 25),
        pay_date=dt.date(2021, 8, 25),
        payee_code=f"E{number:06d}",
        payee_name=f"{family} {given}",
        payee_address=f"宮崎県宮崎市{family[0]}町{number % 20}-{number % 7}",
        payee_registration_number="T1234567890123" if number % 2 else "",
        payer_name="専門家派遣事務局株式会社",
        payer_address="東京都千代田区試験1-2-3",
        payer_phone="03-0000-0000",
        payer_registration_number="T7123456789012",
        dispatches=dispatches,
        fee_total=fees,
        travel_total=gross - fees,
        gross=gross,
        consumption_tax=gross * 10 // 110,
        withholding=withheld,
        withholding_explanation=f"報酬2号 {gross:,}円 × 10.21% → {withheld:,}円（1円未満切捨て）",
        net=gross - withheld,
        bank_name="宮崎銀行",
        branch_name="本店営業部",
        account_type="普通",
        masked_account_number=f"****{number % 1000:03d}",
        account_holder_kana="ヨシダ イチロウ",
    )


def texts_of(notice: Notice) -> list[tuple[float, float, str, float]]:
    """Everything a notice writes: place, text and size."""
    found: list[tuple[float, float, str, float]] = []
    plain = Sheet.text

    def recording(self: Sheet, x: float, y: float, text: str, **how: Any) -> None:
        found.append((x, y, text, how.get("size", 9)))
        plain(self, x, y, text, **how)

    Sheet.text = recording  # type: ignore[method-assign]
    try:
        notice_pdf(notice)
    finally:
        Sheet.text = plain  # type: ignore[method-assign]
    return found


def bare(texts: list[tuple[float, float, str, float]]) -> bytes:
    """The same text by reportlab's canvas and TrueType font, without lines and boxes."""
    out = io.BytesIO()
    canvas = Canvas(out, pageCompression=0, invariant=1)
    for x, y, text, size in texts:
        canvas.setFont("Bare", size)
        canvas.drawString(x, y, text)
    canvas.save()
    return out.getvalue()


def per_second(make: Callable[[int], object], count: int) -> float:
    """How many are made in a second; the first one, which fills caches, isn't counted."""
    make(0)
    start = time.perf_counter()
    for number in range(1, count + 1):
        make(number)
    return count / (time.perf_counter() - start)


def resident() -> float:
    """Largest resident memory so far (MB)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 7000
    pdfmetrics.registerFont(TTFont("Bare", str(FONT_FOLDER / "BIZUDGothic-Regular.ttf")))
    notices = [sample(number) for number in range(201)]
    texts = [texts_of(notice) for notice in notices[:41]]
    ours = per_second(lambda number: notice_pdf(notices[number]), 200)
    theirs = per_second(lambda number: bare(texts[number]), 40)
    print(f"notices: {ours:.0f} PDFs/s; bare reportlab canvas with the same text: {theirs:.0f} PDFs/s")
    print(f"ratio {ours / theirs:.1f}")
    sizes = 0
    for number in range(count):
        sizes += len(notice_pdf(sample(number)))
        if number in (count // 7, count - 1):
            each = sizes / (number + 1) / 1024
            print(f"after {number + 1} notices: {resident():.0f} MB resident, {each:.0f} KB each")


if __name__ == "__main__":
    main()
