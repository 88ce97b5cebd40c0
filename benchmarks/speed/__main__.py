"""`make bench`: what the product must be fast at, each beside a bound of the same run.

`python -m benchmarks.speed [PART …]` measures these parts, or all but `huge`; prints their rows, and writes
docs/evidence/speed.json and speed.md, where the parts that weren't measured keep their rows. `huge` closes 1,150,000
dispatches once (an hour, 25 GB of disk); `huge:345000` so many.
The exit status tells whether something wanted was missed.
"""

import sys
from collections.abc import Callable

from benchmarks.scratch import prepare
from benchmarks.speed import close, loading, papers
from benchmarks.speed.figures import Part, begin, keep, table

PARTS: dict[str, Callable[[], Part]] = {
    "close": close.measure,
    "close-scale": close.measure_scale,
    "load": loading.measure,
    "load-scale": loading.measure_scale,
    "papers": papers.measure,
    "huge": close.measure_huge,
}
ON_REQUEST = {"huge"}


def main(names: list[str]) -> int:
    """Measures and reports; 1 when something wanted is missed."""
    names, sizes = _sizes(names)
    unknown = [name for name in names if name not in PARTS]
    if unknown:
        print(f"知らない部分です: {'、'.join(unknown)}（{'、'.join(PARTS)}）", file=sys.stderr)
        return 2
    prepare()
    missed = False
    for name in names or [name for name in PARTS if name not in ON_REQUEST]:
        circumstances = begin()
        part = close.measure_huge(sizes[name]) if name in sizes else PARTS[name]()
        rows = keep(part, circumstances)["parts"][name]["figures"]
        print(f"\n{part.title}")
        print("\n".join(table(rows)), flush=True)
        missed |= any(row["met"] is False for row in rows)
    return int(missed)


def _sizes(names: list[str]) -> tuple[list[str], dict[str, int]]:
    """The names of the parts, and how many dispatches `huge:N` asks for."""
    sizes = {}
    for place, name in enumerate(names):
        part, _, size = name.partition(":")
        if part == "huge" and size.isdecimal() and int(size) > 0:
            names[place], sizes[part] = part, int(size)
    return names, sizes


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
