"""How long the difference between a roster of 5,000 lines and the register takes, and applying it (spec B2).

    python -m benchmarks.roster [5000]

Half of the lines are as they were, the others are new, changed, bad or gone. Prints seconds; the difference should stay
below 5 seconds. One rep of each, in a database of its own, with history as in production.
"""

import csv
import datetime as dt
import io
import sys
import time

from benchmarks.scratch import prepare, scratch_database

LINES = 5_000
MEMBERS = 10
KINDS = ("商工会", "商工会議所", "中央会", "信用保証協会")


def _entries(count: int) -> list[dict[str, str]]:
    return [
        {
            "機関コード": f"K{number:05}",
            "機関名": f"試験第{number}機関",
            "機関区分": KINDS[number % len(KINDS)],
            "都道府県コード": f"{number // MEMBERS % 47 + 1:02}",
            "所在地": f"見本市試験町{number}",
            "電話番号": f"03-{number:08}",
            "メールアドレス": "",
            "地域PFコード": f"P{number // MEMBERS:04}",
            "地域PF名": f"第{number // MEMBERS}プラットフォーム",
            "地域PF役割": "代表" if number % MEMBERS == 0 else "構成",
        }
        for number in range(count)
    ]


def _file(entries: list[dict[str, str]]) -> io.BytesIO:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(entries[0]))
    writer.writeheader()
    writer.writerows(entries)
    return io.BytesIO(text.getvalue().encode("utf-8-sig"))


def measure(count: int) -> None:
    """Loads a register, compares a roster with it, applies it; prints the seconds of each."""
    from accounts.models import Role, User
    from core.audit.acting import SYSTEM, acting
    from core.exchange.services import load_files
    from institutions.roster.selectors import tallies
    from institutions.roster.services import apply_roster, take_roster

    entries = _entries(count)
    assert load_files({"institutions.csv": _file(entries)}, actor=SYSTEM).ok
    with acting(SYSTEM, "benchmark"):
        person = User.objects.create(username="bench", role=Role.OFFICE_OPERATOR)
    for number, entry in enumerate(entries):
        if number % 10 in (1, 2):
            entry["電話番号"] += "-1"
        elif number % 10 == 3:
            entry["機関コード"] = f"N{number:05}"
            entry["メールアドレス"] = f"n{number}@example.jp" if number % 100 == 3 else ""
        elif number % 100 == 4:
            entry["機関区分"] = "ない区分"
    file = _file(entries)
    begun = time.perf_counter()
    roster = take_roster(
        file=file,
        name="bench.csv",
        kind="platforms",
        effective_on=dt.date(2026, 4, 1),
        key="bench",
        actor=person,
    )
    compared = time.perf_counter()
    counts = {each.outcome: each.count for each in tallies(roster)}
    begun_applying = time.perf_counter()
    apply_roster(roster=roster, version=1, actor=person)
    print(f"{count:,} lines {counts}")
    print(f"difference {compared - begun:.2f} s, applying {time.perf_counter() - begun_applying:.2f} s")


if __name__ == "__main__":
    prepare()
    with scratch_database("roster"):
        measure(int(sys.argv[1]) if len(sys.argv) > 1 else LINES)
