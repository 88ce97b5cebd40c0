"""How fast appointment letters are made: PDFs per second on one core, all of a year as ZIP and as one print, and memory.

The same text on reportlab's own canvas is the yardstick. Letters should come at 60 a second or more.

    python -m benchmarks.letters [7000]
"""

import datetime as dt
import io
import resource
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from benchmarks.scratch import prepare

if TYPE_CHECKING:
    from experts.appointment.models import Letter

LETTERS = 7_000
_SAMPLES = 300
FAMILY = "吉田福井佐藤鈴木高橋渡辺伊藤山本中村小林加藤吉川斎藤松井清水山口池田橋本石川前田"
GIVEN = "一郎陽子健太美咲翔大結衣拓也真由美直樹智子誠恵子浩二裕美和也久美子"


def sample(number: int) -> "Letter":
    """One of many different letters."""
    from experts.appointment.models import Letter

    return Letter(
        fiscal_year=2026,
        number=number,
        layout=1,
        name=f"{FAMILY[number * 2 % 40 :][:2]} {GIVEN[number * 2 % 30 :][:2]}",
        first_day=dt.date(2026, 4, 1),
        last_day=dt.date(2027, 3, 31),
        issued_on=dt.date(2026, 4, 1),
        issuer_name="専門家派遣事務局株式会社",
        issuer_title="代表取締役　試験 太郎",
        terms_title="委嘱条件",
        terms_version="2021-1",
    )


def texts_of(letter: "Letter") -> list[tuple[float, float, str, float]]:
    """Everything a letter writes: place, text and size."""
    from core.documents.sheet import Sheet
    from experts.appointment.papers import letter_pdf

    found: list[tuple[float, float, str, float]] = []
    plain = Sheet.text

    def recording(self: Sheet, x: float, y: float, text: str, **how: Any) -> None:
        found.append((x, y, text, how.get("size", 9)))
        plain(self, x, y, text, **how)

    Sheet.text = recording  # type: ignore[method-assign]
    try:
        letter_pdf(letter)
    finally:
        Sheet.text = plain  # type: ignore[method-assign]
    return found


def bare(texts: list[tuple[float, float, str, float]]) -> bytes:
    """The same text by reportlab's canvas and TrueType font, without lines and boxes."""
    from reportlab.pdfgen.canvas import Canvas

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


def peak() -> float:
    """The most memory this process has held (MB)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def zipped(count: int) -> Iterator[bytes]:
    """A ZIP of so many letters, as the office gets it but for the database."""
    from experts.appointment.handing import Pieces
    from experts.appointment.papers import letter_pdf

    out = Pieces()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for number in range(1, count + 1):
            archive.writestr(f"{number}.pdf", letter_pdf(sample(number)), compresslevel=1)
            yield out.take()
    yield out.take()


def drained(name: str, pieces: Iterator[bytes], count: int) -> None:
    """Takes all pieces and prints how long it took, how much there was, and how much memory came on top."""
    before, begun, size = peak(), time.perf_counter(), 0
    for piece in pieces:
        size += len(piece)
    seconds = time.perf_counter() - begun
    print(f"  {name} of {count:,}: {seconds:.1f} s, {size / 1e6:.0f} MB, memory +{peak() - before:.1f} MB")


def measure(count: int) -> None:
    """Prints everything."""
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont

    from core.documents.fonts import FONT_FOLDER
    from core.documents.print_run import print_run
    from core.documents.sheet import Sheet
    from experts.appointment.papers import draw_letter, letter_pdf

    pdfmetrics.registerFont(TTFont("Bare", str(FONT_FOLDER / "BIZUDGothic-Regular.ttf")))
    texts = [texts_of(sample(number)) for number in range(_SAMPLES + 1)]
    ours = per_second(lambda number: letter_pdf(sample(number)), _SAMPLES)
    theirs = per_second(lambda number: bare(texts[number]), min(_SAMPLES, 50))
    print(f"appointment letters: {ours:.0f} PDFs/s on one core; reportlab's bare canvas {theirs:.0f} PDFs/s")
    for _ in zipped(200):
        pass
    drained("ZIP", zipped(count), count)
    sheet = Sheet(title="委嘱状", author="事務局", dated=dt.date(2026, 4, 1))
    drained("print", print_run(sheet, map(sample, range(1, count + 1)), draw_letter), count)


if __name__ == "__main__":
    prepare()
    import django

    django.setup()
    measure(int(sys.argv[1]) if len(sys.argv) > 1 else LETTERS)
