"""How long a search for experts takes at 7,000 and at 70,000 of them, beside a bare indexed query (spec A5).

    python -m benchmarks.expert_search [7000 70000]

Prints, for each size and kind of search, median and p95 of the search as an institution's page does it, and the ratio
to the one thing a database can't do faster: reading twenty rows by an index.
"""

import random
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from benchmarks.scratch import prepare, scratch_database, switch_history_off

SIZES = (7_000, 70_000)
REPEATS = 60
SEED = 20210701
FAMILIES = (
    ("佐藤", "サトウ"), ("鈴木", "スズキ"), ("髙橋", "タカハシ"), ("高橋", "タカハシ"), ("田中", "タナカ"), ("伊藤", "イトウ"),
    ("渡邉", "ワタナベ"), ("渡辺", "ワタナベ"), ("山本", "ヤマモト"), ("中村", "ナカムラ"), ("小林", "コバヤシ"), ("加藤", "カトウ"),
    ("吉田", "ヨシダ"), ("山﨑", "ヤマザキ"), ("齋藤", "サイトウ"), ("斉藤", "サイトウ"), ("濵田", "ハマダ"), ("清水", "シミズ"),
    ("長谷川", "ハセガワ"), ("五十嵐", "イガラシ"), ("小笠原", "オガサワラ"), ("菊池", "キクチ"), ("桜井", "サクライ"), ("千葉", "チバ"),
)  # fmt: skip
GIVEN = (
    ("一郎", "イチロウ"), ("花子", "ハナコ"), ("健", "ケン"), ("美咲", "ミサキ"), ("誠", "マコト"), ("陽子", "ヨウコ"),
    ("大輔", "ダイスケ"), ("直樹", "ナオキ"), ("由美", "ユミ"), ("翔太", "シヨウタ"), ("恵子", "ケイコ"), ("隆", "タカシ"),
)  # fmt: skip
QUALIFICATIONS = (
    "中小企業診断士",
    "税理士",
    "公認会計士",
    "社会保険労務士",
    "ITコーディネータ",
    "弁理士",
    "弁護士",
    "行政書士",
)


def make_experts(count: int) -> None:
    """Fills the register of the scratch database."""
    from experts.models import Expert
    from institutions.models import Institution
    from rules import codes

    chance = random.Random(SEED)
    body = Institution.objects.create(code="K1", name="試験商工会", kind="商工会", prefecture_code="13")
    topics = list(codes.TOPICS)

    def one(number: int) -> Any:
        family, given = chance.choice(FAMILIES), chance.choice(GIVEN)
        return Expert(
            code=f"E{number:06}",
            name=f"{family[0]} {given[0]}",
            kana=f"{family[1]} {given[1]}",
            prefecture_code=f"{chance.randint(1, 47):02}",
            address=f"東京都千代田区試験町{number}",
            phone="090-0000-0000",
            email=f"e{number:06}@example.jp",
            recommended_by=body,
            requirement="資格",
            qualifications=chance.sample(QUALIFICATIONS, chance.randint(1, 2)),
            topics=chance.sample(topics, chance.randint(1, 4)),
            industries=sorted(chance.sample("ABCDEFGHIJKLMNOPQR", chance.randint(1, 4))),
            base_latitude=f"{26 + chance.random() * 18:.6f}",
            base_longitude=f"{128 + chance.random() * 16:.6f}",
            bank_code="0001",
            branch_code="001",
            account_type="普通",
            account_number=f"{chance.randrange(10**7):07}",
            account_holder_kana=f"{family[1]} {given[1]}",
            payee_class="報酬2号",
        )

    for start in range(0, count, 5_000):
        Expert.objects.bulk_create(one(n) for n in range(start, min(count, start + 5_000)))


def measured(act: Callable[[], object]) -> tuple[float, float]:
    """Median and p95 of REPEATS calls, in milliseconds; the first is not counted."""
    act()
    times = []
    for _ in range(REPEATS):
        before = time.perf_counter()
        act()
        times.append((time.perf_counter() - before) * 1000)
    return statistics.median(times), statistics.quantiles(times, n=20)[-1]


def main(sizes: tuple[int, ...] = SIZES) -> None:
    """Prints one line per kind of search and size."""
    prepare()
    from django.db import connection

    from accounts.services import create_user
    from core import clock
    from core.audit.acting import SYSTEM
    from experts.models import Expert
    from experts.search import Criteria, Need, Reason, search
    from experts.standing import active_on

    today = clock.today()

    need = Need(
        topic="販路開拓", industry="I", prefecture="13", latitude=35.68, longitude=139.77, institution="K1"
    )
    kinds: tuple[tuple[str, Criteria, Need | None], ...] = (
        ("支援先に合わせて（条件なし）", Criteria(), need),
        ("近い順", Criteria(order="near"), need),
        ("1文字「高」", Criteria(text="高"), need),
        ("姓「髙橋」", Criteria(text="髙橋"), need),
        ("かな「たかは」", Criteria(text="たかは"), need),
        ("かな・二語「わたなべ ゆみ」", Criteria(text="わたなべ ゆみ"), need),
        ("資格「診断士 東京」", Criteria(text="診断士 東京"), need),
        ("課題＋業種＋50km", Criteria(topic="販路開拓", industry="I", within_km=50), need),
        ("保有資格＋管内", Criteria(qualification="税理士", bureau="関東経済産業局"), need),
        ("見つからない語", Criteria(text="該当なしのことば"), None),
    )
    for size in sizes:
        with scratch_database(f"experts{size}"):
            switch_history_off()
            make_experts(size)
            with connection.cursor() as cursor:
                cursor.execute("ANALYZE")
            user = create_user(username="bench", role="institution_staff", actor=SYSTEM)
            # as many as a busy institution knows
            known = {
                pk: [Reason("貴機関の派遣", 5), Reason("予定", -3)]
                for pk in Expert.objects.order_by("?").values_list("pk", flat=True)[:600]
            }
            bare, bare_p95 = measured(lambda: list(Expert.objects.order_by("code")[:20]))
            print(f"{size:,} experts; bare indexed query: median {bare:.1f} ms, p95 {bare_p95:.1f} ms")
            for title, criteria, wanted in kinds:
                registered = active_on(Expert.objects.visible_to(user), today)
                asked = partial(search, registered, criteria, wanted, known=known)
                median, p95 = measured(asked)
                print(f"  median {median:6.1f} ms  p95 {p95:6.1f} ms  x{median / bare:5.1f}  {title}")


if __name__ == "__main__":
    main(tuple(int(given) for given in sys.argv[1:]) or SIZES)
