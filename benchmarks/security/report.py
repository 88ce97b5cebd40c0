"""docs/evidence/security.md, for the office and the agency."""

from collections import Counter
from pathlib import Path

from benchmarks.evidence import circumstances, table
from benchmarks.security.crawl import Crawl
from benchmarks.security.outcomes import LEVELS, ROOT, Acceptance, Finding, Outcome
from benchmarks.security.own_tests import Row

REPORT = ROOT / "docs" / "evidence" / "security.md"
_LEVEL_NAMES = {"info": "情報", "low": "低", "medium": "中", "high": "高"}
_PARTS = {"rows": "要件の行ごとのテスト", "source": "ソースを読む道具", "attack": "動かして攻撃する道具"}


def write(
    outcomes: list[Outcome],
    rows: list[Row],
    crawls: list[Crawl],
    still: list[Finding],
    settled: list[tuple[Finding, Acceptance]],
    failing: list[str],
    parts: list[str],
    seconds: float,
    rows_seconds: float,
    path: Path = REPORT,
) -> Path:
    """Writes the report; answers where."""
    lines = ["# 攻撃に対する検査", ""]
    lines += [f"- {name}: {value}" for name, value in circumstances().items()]
    lines += [f"- 時間: {seconds:.0f} 秒（make security）"]
    if missing := [name for part, name in _PARTS.items() if part not in parts]:
        lines += [f"- **この回は行っていない部分: {'、'.join(missing)}**"]
    verdict = "合格。「情報」を超える指摘で、直しても説明してもいないものはありません。"
    if still or failing:
        verdict = f"不合格。開いている指摘 {len(still)} 件、行えなかったこと・合格しないこと {len(failing)} 件（下に示します）。"
    lines += ["", f"**結果: {verdict}**", ""]
    if still:
        lines += ["## 開いている指摘", ""]
        lines += table(
            ["道具", "重さ", "規則", "場所", "内容"],
            [[one.tool, _LEVEL_NAMES[one.level], one.rule, _place(one), _short(one.text)] for one in still],
            5,
        )
        lines += [""]
    if failing:
        lines += ["## 行えなかったこと、合格しないこと", "", *(f"- {_short(one)}" for one in failing), ""]
    lines += ["## 道具ごと", ""]
    lines += [
        "どの道具にも、見つけるはずの欠陥を一緒に渡しています。それを見つけない道具の「指摘なし」は信じず、不合格にします。",
        "道具は別の venv（requirements/security.txt、security-wapiti.txt）で動かすだけで、製品に入れず配りません。"
        "sqlmap と wapiti は GPL、semgrep は LGPL ですが、別のプログラムとして動かすだけです。",
        "",
    ]
    body: list[list[object]] = []
    for one in outcomes:
        counted = Counter(finding.level for finding in one.findings)
        open_here = [finding for finding in still if finding in one.findings]
        found = (
            "見つけた" if one.planted_found else ("検査できない" if one.stands_aside else "**見つけない**")
        )
        body.append(
            [one.tool, one.version, f"{one.planted}: {found}"]
            + [counted.get(level, 0) for level in LEVELS]
            + [len(open_here), f"{one.seconds:.0f}"]
        )
    lines += table(
        ["道具", "版", "仕込んだ欠陥", *(_LEVEL_NAMES[level] for level in LEVELS), "開いている", "秒"],
        body,
        3,
    )
    lines += ["", "### 見たもの", ""]
    for one in outcomes:
        lines += [f"**{one.tool}**", "", *(f"- {_short(line, 400)}" for line in one.covered)]
        if one.stands_aside:
            lines += [f"- この機械では行えません: {one.stands_aside}"]
        lines += [""]
    if crawls:
        lines += ["### 攻撃した環境", ""]
        lines += [
            "使い捨ての PostgreSQL・Redis・Web 2 プロセスにデモの一年分を入れ、loopback だけで、役割ごとにサインインした形で攻撃しました。"
            "攻撃が入り口で止まらないように、この環境だけは、送信の印（CSRF）、サインインの制限、リンクと問い合わせの回数の制限、二段階認証、再確認を外し、"
            "データベースの誤りの文をそのまま見せています（それぞれの守りには上の行のテストがあります）。背景の処理は動かしていません。"
            "サインアウト・パスワード・二段階認証・セッションの画面は、自分を締め出すため触っていません（accounts のテストが攻撃します）。"
            "500 以上の答えは、道具が何と言おうと「高」の指摘にします。",
            "",
        ]
        lines += table(
            ["役割", "開けたページ", "住所の種類", "欄のある依頼の種類"],
            [[one.person.role, one.pages, len(one.starts), len(one.targets)] for one in crawls],
        )
        lines += [""]
    lines += ["## 残してよいと判断した指摘", ""]
    lines += [
        "一件ずつ理由を benchmarks/security/accepted.csv に書いてあります。道具・規則・場所の組だけに効き、ほかには効きません。",
        "",
    ]
    grouped: dict[tuple[str, str, str, str], list[Finding]] = {}
    for finding, why in settled:
        grouped.setdefault((why.tool, why.rule, why.place, why.reason), []).append(finding)
    lines += table(
        ["道具", "規則", "場所", "理由", "件数"],
        [
            [tool, rule, f"`{place}`", reason, len(found)]
            for (tool, rule, place, reason), found in grouped.items()
        ],
        4,
    )
    if rows:
        without = [row for row in rows if not row.tests]
        lines += ["", "## 要件の行とテスト", ""]
        lines += [
            f"{len(rows)} 行のうち {len(rows) - len(without)} 行にテストがあり（{rows_seconds:.0f} 秒で実行）、{len(without)} 行にはありません。",
            "",
        ]
        lines += table(
            ["行", "求めること", "テスト", "結果", "数"],
            [
                [row.id, row.demand, "、".join(f"`{test}`" for test in row.tests) or "—"]
                + [row.result + (f"（{row.note}）" if row.note else ""), row.passed + row.failed]
                for row in rows
            ],
            4,
        )
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def _place(one: Finding) -> str:
    return f"`{one.place}{f':{one.line}' if one.line else ''}`"


def _short(text: str, most: int = 220) -> str:
    # where the project lies on this machine is nobody's business
    flat = " ".join(text.split()).replace(f"{ROOT}/", "").replace("|", "／")
    return flat if len(flat) <= most else flat[: most - 1] + "…"
