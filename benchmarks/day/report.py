"""docs/evidence/day.md and day.json: each surface with one web process and with two."""

import json
from typing import Any

from benchmarks.day import story
from benchmarks.evidence import table
from benchmarks.scratch import ROOT

PLACE = ROOT / "docs" / "evidence"
SURFACES = ("事務局", "機関", "専門家")


def write_report(
    halves: dict[str, dict[str, Any]],
    kept: dict[str, int],
    failed: list[list[Any]],
    seconds: int,
    facts: dict[str, str],
    busy: list[str],
) -> int:
    """Writes both files; 1 when somebody met an error, a job failed or fewer events are held than were acknowledged.

    `facts` and `busy` are of the time before: what the day does to the machine is what it measures.
    """
    created = sum(
        row["requests"] - row["errors"]
        for half in halves.values()
        for row in half["rows"]
        if row["name"].endswith("チェックイン・アウト")
    )
    errors = sum(row["errors"] for half in halves.values() for row in half["rows"])
    lost = max(0, created - kept["チェックイン・アウト"])
    (PLACE / "day.json").write_text(
        json.dumps({"circumstances": facts, "halves": halves, "kept": kept}, ensure_ascii=False, indent=1)
        + "\n",
        encoding="utf-8",
    )
    lines = _lines(halves, kept, seconds, facts, busy, errors, created, lost)
    lines += ["", "## 失敗したジョブ", ""]
    lines += table(["種類", "件数", "経過"], failed) if failed else ["ありません。"]
    (PLACE / "day.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    for half, found in halves.items():
        print(f"day, {half} web process(es): {found['requests']:,} requests, {found['per_second']:.1f}/s")
        for surface in SURFACES:
            print(f"  {surface}: {_of_surface(found, surface)}")
    for half in halves.values():
        for error in half["errors"][:20]:
            print(f"  error: {error['count']} {error['name']} {error['error'][:160]}")
    for kind, count, message in failed:
        print(f"  failed: {count} {kind} {message}")
    return 1 if errors or lost or failed else 0


def _of_surface(half: dict[str, Any], surface: str) -> str:
    rows = [row for row in half["rows"] if row["name"].startswith(surface)]
    total = half["surfaces"].get(surface, {})
    asked, wrong = sum(row["requests"] for row in rows), sum(row["errors"] for row in rows)
    return f"{asked:,} requests, {wrong} errors, p50 {total.get('p50_ms')} ms, p95 {total.get('p95_ms')} ms"


def _lines(
    halves: dict[str, dict[str, Any]],
    kept: dict[str, int],
    seconds: int,
    facts: dict[str, str],
    busy: list[str],
    errors: int,
    created: int,
    lost: int,
) -> list[str]:
    one, two = halves["1"], halves["2"]
    surfaces = []
    for surface in SURFACES:
        cells: list[object] = [surface]
        for half in (one, two):
            found = half["surfaces"].get(surface, {})
            cells += [
                f"{found.get('requests', 0):,}",
                found.get("errors", 0),
                found.get("p50_ms"),
                found.get("p95_ms"),
            ]
        surfaces.append(cells)
    pages = []
    second = {(row["name"], row["method"]): row for row in two["rows"]}
    for row in sorted(one["rows"], key=lambda row: row["name"]):
        other = second.get((row["name"], row["method"]), {})
        pages.append(
            [row["name"], row["method"], row["requests"], row["p50_ms"], row["p95_ms"]]
            + [other.get("requests", 0), other.get("p50_ms", "-"), other.get("p95_ms", "-")]
        )
    found = sorted(
        ([f"web {half}", error["count"], error["name"], error["error"][:120]] for half, each in halves.items() for error in each["errors"]),
        key=lambda row: -row[1],
    )  # fmt: skip
    return [
        "# 一日の縮図",
        "",
        *(f"- {name}: {value}" for name, value in facts.items()),
        "",
        f"事務局 {story.OFFICE} 人、機関 {story.INSTITUTIONS} 機関、専門家 {story.EXPERTS} 人が同時に、使い捨ての本番構成"
        "（nginx の TLS、gunicorn、worker、beat、封印、Redis、PostgreSQL、本番の設定）を"
        f" {seconds} 秒ずつ使いました。前半は web が1つ（gunicorn 1プロセス・4スレッド）、後半は同じ構成に web をもう1つ加えた場合です。"
        "測る側（locust）も同じ機械の中で動きます。`make day` が作った記録です。",
        "",
        *busy,
        "**結果: "
        + (
            "誤りはなく、受け付けた記録はすべて残りました**"
            if not errors and not lost
            else f"誤り {errors} 件、失われた記録 {lost} 件**"
        ),
        "",
        "## 面ごと（ミリ秒）",
        "",
        *table(["面", "web 1: 要求", "誤り", "p50", "p95", "web 2: 要求", "誤り", "p50", "p95"], surfaces),
        "",
        f"毎秒の要求: web 1 で {one['per_second']:.1f}、web 2 で {two['per_second']:.1f}。"
        f"データベースの接続数（終わりの時点）: {one['connections']}、{two['connections']}。",
        "",
        "## 一日の模型",
        "",
        "- 事務局: 待ち行列を見て派遣の画面を開く、照会を送る、語で一覧を探す、ほかの待ち行列と月の画面。操作の間は6〜15秒。全員が一つの接続元から来て、"
        "この間に全員がパスワードと確認コードでサインインします。",
        "- 機関: 案件、専門家の検索、申請（確認して送る）、報告の承認。操作の間は20〜60秒。機関ごとに別の接続元。十機関に一つがこの間にサインインし、"
        "ほかは先にサインインしています。",
        "- 専門家: 今日の支援の画面、位置付きのチェックインとチェックアウト、届いた記録の再送、報告の画面。操作の間は30〜90秒。"
        "携帯網の125の接続元から四人ずつ。十人に一人がこの間にサインインします。",
        "- 期待した応答（画面、受付、重複の返事）以外はすべて誤りに数えます。フォームの赤い字、サインイン画面への転送、429 も誤りです。",
        "- 実際の一日では、これだけの人が同じ分に操作することはありません。7,000 人の専門家の一日 500 件の支援を、数分に詰めています。",
        "",
        "## 残ったもの",
        "",
        *table(["種類", "件数"], [[name, f"{count:,}"] for name, count in kept.items()]),
        "",
        f"受付済と答えたチェックイン・アウト: {created:,} 件。",
        "",
        "## 画面ごと（ミリ秒）",
        "",
        *table(["画面", "方法", "web 1: 要求", "p50", "p95", "web 2: 要求", "p50", "p95"], pages, 2),
        "",
        "## 誤り",
        "",
        *(table(["構成", "件数", "画面", "内容"], found) if found else ["ありません。"]),
    ]
