"""`make rehearsal`: tries the guides and writes docs/evidence/operation.md; exit status 1 when a step failed."""

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator

from core import clock
from core.version import VERSION, commit

from .place import PROJECT, Place
from .steps import STEPS, run_all


def main() -> int:
    """Runs the steps and writes the report."""
    place = Place()
    try:
        results = run_all(place)
        if not all(well for _, _, _, well in results):
            for log in sorted(place.folder.glob("*.log")):
                sys.stderr.write(f"--- {log.name}\n{log.read_text(errors='replace')[-1500:]}\n")
    finally:
        place.close()
    report = "\n".join(_report(results)) + "\n"
    (PROJECT / "docs/evidence/operation.md").write_text(report, encoding="utf-8")
    for guide, title, words, well in results:
        sys.stdout.write(f"{'○' if well else '×'} {guide} {title}: {words}\n")
    return 0 if len(results) == len(STEPS) and all(well for _, _, _, well in results) else 1


def _report(results: list[tuple[str, str, str, bool]]) -> Iterator[str]:
    done = sum(well for _, _, _, well in results)
    nginx = shutil.which("nginx", path=f"/usr/sbin:{os.environ['PATH']}") or "nginx"
    version = subprocess.run([nginx, "-v"], capture_output=True, text=True).stderr.strip()  # noqa: S603
    load = "、".join(f"{each:.1f}" for each in os.getloadavg())
    yield "# 運用の手順のリハーサル"
    yield ""
    yield f"- 日時: {clock.now():%Y-%m-%d %H:%M}、版 {VERSION}、コミット {commit() or '不明'}"
    yield f"- 機械: {platform.system()} {platform.machine()}、{os.cpu_count()} コア、負荷 {load}、{version}"
    yield f"- 結果: **{len(STEPS)} 個のうち {done} 個が手順どおり**"
    yield ""
    yield "コンテナエンジンのない機械で、`docs/operations` の手順を、同じ秘密情報・設定ファイル・起動の命令で、コンテナの外で行った記録です（`make rehearsal`）。"
    yield "ホスト名・パス・ポート・利用者だけを、この機械のものに置き換えています。秒数は、この機械の負荷に左右されます。"
    yield ""
    yield "| 手順 | 行ったこと | 結果 | |"
    yield "|---|---|---|---|"
    for guide, title, words, well in results:
        yield f"| {guide} | {title} | {words.replace('|', '／').replace(chr(10), ' ')[:400]} | {'○' if well else '×'} |"
    for guide, title, _ in STEPS[len(results) :]:
        yield f"| {guide} | {title} | 前の手順が失敗したため行っていない | × |"
    yield ""
    yield "**試していないこと**: イメージの組み立てと `docker compose up`、ボリュームの所有者、コンテナのネットワークの分離、TLS でのデータベース間の通信、複数のサーバー、nginx 1.27.3 以降の web の探し直し、Prometheus 本体、メールサーバー。待機系の切り替えは `tests/deploy/test_standby.py`、全損からの復元は [backup-drill.md](backup-drill.md) にあります。"


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.test")
    sys.exit(main())
