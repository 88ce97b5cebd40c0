"""`python -m tests.walks`: long walks and planted faults; writes docs/evidence/walks.md and fails when one found something."""

import argparse
import datetime as dt
import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
REPORT = ROOT / "docs" / "evidence" / "walks.md"
MACHINES = ("dispatches", "registrations")
# What the acts of the walks are called.
WORDS = {
    "accept": "専門家の承諾", "accept answer": "回答の確認", "answer": "照会への回答", "apply": "派遣の申請",
    "approve": "機関の承認・登録の承認", "approve run": "月次支払の承認", "ask back": "照会", "ask change": "口座変更の申請",
    "attest": "支援先の従事証明", "cancel": "取消", "certificate": "証明書類の追加", "check change": "口座変更の確認",
    "check line": "旅費の認定", "close escalation": "中小企業庁の回答の記録", "close inquiry": "照会の終了",
    "close run": "月次支払の完了", "compute run": "月次支払の計算", "confirm": "受付", "correct": "派遣の訂正",
    "correct declaration": "申告書の訂正", "correct line": "旅費の訂正", "decide": "例外承認の判断", "declare": "申告書の提出",
    "decline": "専門家の辞退", "draft run": "月次支払の作成", "drop run": "月次支払の破棄", "enter change": "口座変更届の入力",
    "escalate": "中小企業庁への報告", "exclude": "対象外の判断", "export run": "月次支払の出力", "finish": "支援終了の記録",
    "hold": "保留の判断", "load": "交換ファイルの取込", "make change": "口座変更の反映", "make link": "従事証明の依頼",
    "open case": "支援案件の登録", "pass on": "事務局への送付", "recommend": "専門家の推薦", "release": "事務局判断の取消",
    "report": "報告と旅費請求", "request": "例外承認の申請", "reschedule": "日程変更", "return": "差戻し",
    "return change": "口座変更の差戻し", "review": "要確認の確認", "revoke": "解除の取消", "save claim": "旅費請求の保存",
    "see account": "口座の全桁の閲覧", "send again": "登録案内の再送", "send events": "チェックイン・アウトの送信",
    "standing check": "定期の確認", "submit": "登録内容の提出", "transfer run": "振込済", "type": "登録内容の入力",
    "verify": "確認済", "waive": "保留の解除", "withdraw": "取下げ", "worker judges": "遅れて・二度届いた判定",
}  # fmt: skip


def main() -> int:
    """Takes the walks in processes of pytest, then writes what they counted."""
    options = argparse.ArgumentParser(prog="python -m tests.walks")
    options.add_argument("--minutes", type=float, default=10, help="歩く長さ（分、二種類の合計）")
    options.add_argument("--seed", type=int, default=int(dt.date.today().strftime("%Y%m%d")) * 1000)  # noqa: DTZ011
    given = options.parse_args()
    began = dt.datetime.now(ZoneInfo("Asia/Tokyo"))
    with tempfile.TemporaryDirectory() as results:
        environment = {
            **os.environ,
            "WALKS_SEED": str(given.seed),
            "WALKS_SECONDS": str(given.minutes * 60 / len(MACHINES)),
            "WALKS_RESULT": results,
        }
        # dispatches, then registrations, then the faults: each in the same databases' server, one after the other
        ended = subprocess.run(
            [
                sys.executable,
                "-m",
                "pytest",
                str(HERE / "long_walks.py"),
                "-q",
                "-s",
                "-p",
                "no:cacheprovider",
            ],
            cwd=ROOT,
            env=environment,
        )
        read = {path.stem: json.loads(path.read_text()) for path in sorted(Path(results).glob("*.json"))}
    text = report(read, given.seed, began)
    REPORT.write_text(text, encoding="utf-8")
    sys.stdout.write(f"{REPORT.relative_to(ROOT)} を書きました。\n")
    return ended.returncode


def report(read: dict[str, Any], seed: int, began: dt.datetime) -> str:
    """The page, in Japanese."""
    walked = [read[name] for name in MACHINES if name in read]
    faults = [result for name, result in sorted(read.items()) if name.startswith("fault-")]
    broken = [result["failure"] for result in walked if result["failure"]]
    unfound = [fault["title"] for fault in faults if not fault["found"]]
    good = len(walked) == len(MACHINES) and faults and not broken and not unfound
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True
    ).stdout.strip()
    load = "、".join(f"{value:.1f}" for value in os.getloadavg())
    lines = [
        "# 不規則な操作の試験（ランダムウォーク）",
        "",
        f"実施: {began:%Y年%-m月%-d日 %H:%M}（日本時間）。{platform.system()} {platform.machine()}、{os.cpu_count()} コア、"
        f"負荷 {load}、Python {platform.python_version()}、版 `{commit}`。`make walks` が作った記録です。",
        "",
        "役割の違う12人（機関2つの責任者と担当、専門家、事務局の担当と承認者、管理者、中小企業庁）が、本物の PostgreSQL に"
        "アプリケーションのロールでつないだサービスを、不規則な順序で操作します。操作の約4分の1は、してはならない人が、"
        "してはならないときに、古い画面のまま行います。一歩ごとに、プログラムの判断を使わない別の計算で、次のことを確かめます。",
        "",
        f"**結果: {'不変条件は一度も破れませんでした' if good else '破れたものがあります'}**",
        "",
        "| 種類 | ウォーク | 操作 | うち断られた操作 | 種（シード） | 秒 |",
        "|---|---:|---:|---:|---|---:|",
    ]
    for result in walked:
        title = next(iter(result["walks"]), "-")
        done, refused = sum(result["done"].values()), sum(result["refused"].values())
        seeds = f"{result['seeds'][0]}～{result['seeds'][-1]}" if result["seeds"] else "-"
        lines.append(
            f"| {title} | {sum(result['walks'].values()):,} | {done + refused:,} | {refused:,} | {seeds} | {result['seconds']:,.0f} |"
        )
    for failure in broken:
        lines += ["", "見つかった破れ:", "", "```", failure[:4_000], "```"]
    lines += ["", "## 確かめた不変条件", "", "| 不変条件 | 確かめた回数 |", "|---|---:|"]
    lines += [f"| {name} | {count:,} |" for name, count in _sum(walked, "checked") if count]
    lines += ["", "## 操作ごとの回数", "", "| 操作 | 行われた | 断られた |", "|---|---:|---:|"]
    refused_all = dict(_sum(walked, "refused"))
    done_all = dict(_sum(walked, "done"))
    for name in sorted({*done_all, *refused_all}):
        lines.append(
            f"| {WORDS.get(name, name)} | {done_all.get(name, 0):,} | {refused_all.get(name, 0):,} |"
        )
    lines += ["", "## 断られた理由の種類", "", "| 種類 | 回数 |", "|---|---:|"]
    lines += [f"| {name} | {count:,} |" for name, count in _sum(walked, "refusals")]
    lines += [
        "",
        "## わざと入れた誤り",
        "",
        "この試験が誤りを見つけられることを、守りを一つずつ外した写しで確かめました（製品には入っていません）。",
        "",
        "| 外した守り | 見つかるまでのウォーク | 見つけた言葉 |",
        "|---|---:|---|",
    ]
    for fault in faults:
        said = (fault["found"] or "見つかりませんでした").replace("|", "／")[:160]
        lines.append(f"| {fault['title']} | {fault['walks']:,} | {said} |")
    lines += ["", f"同じ種で繰り返せます: `make walks` または `python -m tests.walks --seed {seed}`。", ""]
    return "\n".join(lines)


def _sum(results: list[dict[str, Any]], name: str) -> list[tuple[str, int]]:
    total: dict[str, int] = {}
    for result in results:
        for key, count in result[name].items():
            total[key] = total.get(key, 0) + count
    return sorted(total.items())


if __name__ == "__main__":
    sys.exit(main())
