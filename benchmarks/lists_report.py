"""docs/evidence/lists.md and lists.json: every list with its figures, and what the limits say about them."""

import csv
import json
from typing import Any

from benchmarks.evidence import circumstances, table, warning
from benchmarks.scratch import ROOT

PLACE = ROOT / "docs" / "evidence"
# A list that takes longer than so many times the bound, or reads more rows than this, is named in the report.
MOST_TIMES = 60
MOST_ROWS = 20_000


def write_report(lists: list[dict[str, Any]], bounds: list[dict[str, Any]], counts: dict[str, int]) -> None:
    """Writes both files."""
    facts = circumstances()
    PLACE.mkdir(parents=True, exist_ok=True)
    (PLACE / "lists.json").write_text(
        json.dumps(
            {"circumstances": facts, "rows": counts, "bounds": bounds, "lists": lists},
            ensure_ascii=False,
            indent=1,
        )
        + "\n",
        encoding="utf-8",
    )
    (PLACE / "lists.md").write_text("\n".join(_lines(lists, bounds, counts, facts)) + "\n", encoding="utf-8")


def _lines(
    lists: list[dict[str, Any]], bounds: list[dict[str, Any]], counts: dict[str, int], facts: dict[str, str]
) -> list[str]:
    slowest = sorted(lists, key=lambda line: -line["p50_ms"])
    ordered = sorted(line["p95_ms"] for line in lists)
    bound = sorted(line["p50_ms"] for line in bounds)
    return [
        "# 10年分のデータでの一覧の速さ",
        "",
        *(f"- {name}: {value}" for name, value in facts.items()),
        "",
        "すべての面の一覧と待ち行列を、それを開ける最初の役割の人として（`--every` で全役割）、10年分のデータを入れたデータベースで、画面と同じ経路（ミドルウェア、テンプレート、"
        "閲覧の記録を含む）で開いて測りました。`make lists` が作った記録です。比は、同じ時に測った下限（索引で派遣を50件読むだけの"
        "問合せ）に対する中央値の倍率です。ほかの仕事と機械を分け合っているときは、ミリ秒ではなく比を見てください。",
        "",
        *warning(),
        f"{len(lists)} の一覧のうち、p95 が 100ms 以内のものは {sum(value <= 100 for value in ordered)}、"
        f"最も遅いものの p95 は {ordered[-1]:.0f}ms です。下限の中央値は {bound[0]:.1f}〜{bound[-1]:.1f}ms でした。",
        "",
        "## データ",
        "",
        *table(["種類", "行数"], [[name, f"{count:,}"] for name, count in counts.items()]),
        "",
        "## 遅い順に10",
        "",
        *_figures(slowest[:10]),
        "",
        f"## 下限の {MOST_TIMES} 倍を超えるもの、{MOST_ROWS:,} 行より多く読むもの",
        "",
        *(
            _figures(
                [line for line in slowest if line["ratio"] > MOST_TIMES or line["rows_read"] > MOST_ROWS]
            )
            or ["ありません。"]
        ),
        "",
        "## 直したもの",
        "",
        "最初に測ったときに遅かったものと、直した後です。「速さ」は、同じ時間帯に直す前と後を交互に動かした中央値の比です（測ったもの）。",
        "",
        *_mended(lists),
        "",
        "## すべて",
        "",
        *_figures(lists),
        "",
        "「読んだ行」は、実行計画（EXPLAIN ANALYZE、BUFFERS）で表と索引から取り出した行の数で、条件に合わず捨てた行を含みます。"
        "一覧ごとの実行計画は `make lists` が `build/lists/` に残します。",
    ]


def _mended(lists: list[dict[str, Any]]) -> list[str]:
    """What was slow at first and is not any more, beside what it reads now."""
    now = {line["list"]: line for line in reversed(lists)}
    rows: list[list[object]] = []
    with (ROOT / "benchmarks" / "lists_mended.csv").open(encoding="utf-8", newline="") as file:
        for was in csv.DictReader(file):
            line = now.get(was["list"])
            faster = f"{was['times_faster']} 倍" if was["times_faster"] else "-"
            read = f"{line['rows_read']:,}" if line else "-"
            rows.append([f"`{was['list']}`", was["what"], f"{int(was['rows_before']):,}", read, faster])
    return table(["一覧", "直したこと", "読んだ行（前）", "読んだ行（後）", "速さ"], rows, 2)


def _figures(lists: list[dict[str, Any]]) -> list[str]:
    if not lists:
        return []
    heads = ["役割", "一覧", "問合せ", "p50 ms", "p95 ms", "比", "最も遅い問合せ ms", "読んだ行"]
    rows = [
        [
            line["role"],
            f"`{line['list']}`",
            line["queries"],
            f"{line['p50_ms']:.1f}",
            f"{line['p95_ms']:.1f}",
            f"{line['ratio']:.1f}",
            f"{line['slowest_query_ms']:.1f}",
            f"{line['rows_read']:,}",
        ]
        for line in lists
    ]
    return table(heads, rows, 2)
