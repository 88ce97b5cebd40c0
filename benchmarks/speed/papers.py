"""Payment notices, appointment letters and evidence files on one core, beside reportlab's bare canvas."""

import time
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks import letters, notices
from benchmarks.speed.close import loaded_month
from benchmarks.speed.figures import Figure, Part

ROUNDS, BATCH = 7, 40
EVIDENCE_FILES = 12
Texts = list[tuple[float, float, str, float]]
CANVAS = "reportlab の素の Canvas で同じ文字"


def _recorded(draw: Callable[[], object]) -> Texts:
    """Everything a drawing writes: place, text and size."""
    from core.documents.sheet import Sheet

    found: Texts = []
    plain = Sheet.text

    def recording(self: Sheet, x: float, y: float, text: str, **how: Any) -> None:
        found.append((x, y, text, how.get("size", 9)))
        plain(self, x, y, text, **how)

    Sheet.text = recording  # type: ignore[method-assign]
    try:
        draw()
    finally:
        Sheet.text = plain  # type: ignore[method-assign]
    return found


def _seconds(make: Callable[[int], object], numbers: range, clock: Callable[[], float]) -> float:
    begun = clock()
    for number in numbers:
        make(number)
    return (clock() - begun) / len(numbers)


def _compared(
    what: str,
    batch: int,
    ours: Callable[[int], object],
    texts: Sequence[Texts],
    *,
    note: str = "",
    alone: bool = True,
) -> Figure:
    """PDFs a second of both, batch by batch in turn; the first ones fill caches and don't count.

    `alone`: only the processor's own time is counted, which says what a core does; else the time on the wall, because
    the database works too, and nothing is asked for.
    """
    clock = time.process_time if alone else time.perf_counter
    ours(0)
    notices.bare(texts[0])
    mine, theirs = [], []
    for turn in range(ROUNDS):
        numbers = range(1 + turn * batch, 1 + (turn + 1) * batch)
        mine.append(_seconds(ours, numbers, clock))
        theirs.append(_seconds(lambda number: notices.bare(texts[number % len(texts)]), numbers, clock))
    pairs = sorted(a / b for a, b in zip(mine, theirs, strict=True))
    return Figure(
        what,
        ROUNDS * batch,
        "件/秒",
        [1 / each for each in mine],
        CANVAS,
        [1 / each for each in theirs],
        "相手の時間以下（比は時間の比）" if alone else "",
        pairs[len(pairs) // 2] <= 1 if alone else None,
        note,
        ratio=pairs[len(pairs) // 2],
    )


def _notices() -> Figure:
    from payments.documents.notice import notice_pdf

    made = [notices.sample(number) for number in range(1 + ROUNDS * BATCH)]
    texts = [notices.texts_of(notice) for notice in made[:41]]
    return _compared("支払通知書（派遣 3～4 件）", BATCH, lambda number: notice_pdf(made[number]), texts)


def _letters() -> Figure:
    from experts.appointment.papers import letter_pdf

    texts = [letters.texts_of(letters.sample(number)) for number in range(41)]
    return _compared("委嘱状", BATCH, lambda number: letter_pdf(letters.sample(number)), texts)


def _evidence_files() -> list[Figure]:
    from accounts.models import User
    from core import clock
    from dispatch.models import Dispatch
    from office.evidence_file import document

    with loaded_month(400, 250):
        user = User.objects.get(username="maker")
        some = list(
            Dispatch.objects.filter(status="approved")
            .select_related("expert", "institution", "company")
            .order_by("number")[: EVIDENCE_FILES + 1]
        )
        now = clock.now()
        facts = [document._gather(each, user) for each in some]

        def drawn(number: int) -> bytes:
            given = facts[number % len(facts)]
            _, flow, _ = document._drawn(given, now, total=0)
            sheet, _, _ = document._drawn(given, now, total=flow.pages)
            return sheet.pdf()

        texts = [_recorded(lambda given=given: document._drawn(given, now, total=3)) for given in facts]
        return [
            _compared(
                "証拠書類一式（描画）",
                EVIDENCE_FILES,
                drawn,
                texts,
                note="取り込んだ派遣のもの（署名の画像と領収書なし）。総ページ数を入れるため 2 回組みます。",
            ),
            _compared(
                "証拠書類一式（データベースからの読み出しを含む）",
                EVIDENCE_FILES,
                lambda number: document.evidence_pdf(some[number % len(some)], user),
                texts,
                note="データベースを待つ時間も数えます。相手は文字を書くだけで、読み出しをしません。",
                alone=False,
            ),
        ]


def measure() -> Part:
    """All papers."""
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont

    from core.documents.fonts import FONT_FOLDER

    pdfmetrics.registerFont(TTFont("Bare", str(FONT_FOLDER / "BIZUDGothic-Regular.ttf")))
    return Part(
        "papers",
        "PDF（1 コアあたり）",
        [_notices(), _letters(), *_evidence_files()],
        [
            f"{ROUNDS} 回、まとめて交互に作りました。表の値は 1 コアの 1 秒（プロセッサーの時間）に作れる数、比は 1 件の時間の比です。",
            "相手は線と枠を描かず、同じ位置に同じ文字だけを書きます（同じ書体、TrueType の部分埋め込み）。",
        ],
    )
