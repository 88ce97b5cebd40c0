"""The report: one row per fault and moment, the sums, and what is promised and what isn't. In Japanese."""

import os
import platform
import subprocess
from collections import Counter
from dataclasses import dataclass, field

from benchmarks.scratch import ROOT

from .counting import Store
from .faults import Row, count, count_mails
from .instance import CannotRun, Instance
from .mailserver import MailServer
from .people import Seen


@dataclass
class Outcome:
    """What the whole proof came to."""

    seed: int
    rows: list[Row] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    seconds: float = 0.0
    facts: dict[str, int] = field(default_factory=dict)
    audit: str = ""
    unsure_taken: int = 0
    requests: int = 0

    def end(
        self, instance: Instance, store: Store, mails: MailServer, seen: Seen, states: dict[int, str]
    ) -> None:
        """Counts once more over everything, when nobody works any more."""
        for row in self.rows:
            count_mails(row, store, mails, seen)
        taken = mails.count()
        events, questions = store.events(seen.events), store.questions(seen.questions)
        receipts = store.receipts(seen.files)
        unreadable = store.unreadable(receipts)
        folder = instance.var / "evidence"
        kept = [path for path in folder.rglob("*") if path.is_file() and path.name != ".ballast"]
        stored = store.rows("SELECT count(*) FROM dispatch_receipt")[0][0]
        self.facts = {
            "受け付けたと答えたチェックイン": len(seen.events),
            "うちデータベースにあるもの": sum(count == 1 for count in events.values()),
            "受け付けたと答えた領収書": len(seen.files),
            "うち 1 件だけあり、開けて同じ内容のもの": len(receipts) - len(unreadable),
            "受け付けたと答えた照会": len(seen.questions),
            "うちデータベースに 1 件だけあるもの": sum(count == 1 for count in questions.values()),
            "登録されたメール": len(states),
            "メールサーバに届いたメール": len(taken),
            "2 回以上届いたメール": sum(count > 1 for count in taken.values()),
            "送ったか機械には分からず、人に確認を求めたメール": sum(
                state == "unsure" for state in states.values()
            ),
            "二重の支払（同じ派遣の謝金、同じ回の同じ人）": store.paid_twice(),
            "書きかけで残ったファイル": sum(path.name.endswith(".partial") for path in kept),
            "どの行のものでもないファイル（受け付ける前に切れた領収書。1 週間後に掃除されます）": max(
                0, len(kept) - 2 * stored
            ),
            "終わっていないジョブ": store.open_jobs(),
            "思いがけない答え": len(seen.wrong),
        }
        self.facts["試しに加えた、存在しない受付 3 件のうち「失」と数えたもの"] = _planted(store)
        if self.facts["試しに加えた、存在しない受付 3 件のうち「失」と数えたもの"] != 3:
            self.problems.append("この試験は、失われたものを見つけられません。")
        self.unsure_taken = sum(state == "unsure" and taken[number] > 0 for number, state in states.items())
        nothing = (
            "2 回以上届いたメール", "二重の支払（同じ派遣の謝金、同じ回の同じ人）", "書きかけで残ったファイル", "思いがけない答え",
        )  # fmt: skip
        self.problems += [f"{name}: {self.facts[name]}" for name in nothing if self.facts[name]]
        for asked, found in (
            (len(seen.events), self.facts["うちデータベースにあるもの"]),
            (len(seen.files), self.facts["うち 1 件だけあり、開けて同じ内容のもの"]),
            (len(seen.questions), self.facts["うちデータベースに 1 件だけあるもの"]),
        ):
            if asked != found:
                self.problems.append(f"受け付けた {asked} 件のうち、あるのは {found} 件です。")
        waiting = Counter(state for state in states.values() if state not in ("sent", "unsure"))
        if waiting:
            self.problems.append(f"送られていないメール: {dict(waiting)}")
        self.problems += sorted(set(seen.wrong))[:5]
        try:
            instance.manage("seal_audit")
            self.audit = instance.manage("verify_audit").strip()
        except CannotRun as why:
            self.problems.append(str(why))

    def all_problems(self) -> list[str]:
        """Everything that is not as it must be."""
        return self.problems + [
            f"{row.what} / {row.moment}: {problem}" for row in self.rows for problem in row.problems
        ]

    def text(self) -> str:
        """The report as Markdown."""
        from core import clock

        commit = subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"],
            cwd=ROOT, capture_output=True, text=True, check=False,
        ).stdout.strip()  # fmt: skip
        load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
        problems = self.all_problems()
        lines = [
            "# 障害の試験",
            "",
            f"実施: {clock.now():%Y年%-m月%-d日 %H:%M}（日本時間）。版 `{commit}`。{platform.system()} {platform.machine()}、"
            f"{os.cpu_count()} コア（負荷 {load}）。`make faults`（乱数の種 {self.seed}、{self.seconds:.0f} 秒）が作った記録です。",
            "",
            "使い捨ての環境で全体を本番の設定のまま動かし（nginx、gunicorn 2 プロセス、worker、sealer、beat、fsync 有効の PostgreSQL、"
            "Redis、STARTTLS のメールサーバ）、専門家のチェックイン、領収書の送信、事務局の照会（メールが出ます）、月次支払の計算・承認・出力を"
            " HTTPS で続けながら、部品を一つずつ無作為の時刻に壊しました。人は、受け付けたという答えをもらうまで同じ操作を繰り返します。",
            "",
            f"**結果: {'失われたもの・二重のもの・分かりにくい表示はありません' if not problems else '満たさないところがあります'}**",
            "",
        ]
        if problems:
            lines += ["## 満たさないところ", "", *(f"- {problem}" for problem in problems), ""]
        lines += [
            "## 壊した部品と時刻ごとの結果",
            "",
            "受付は「受け付けた」と答えた件数で、前の行の後からこの行の復旧までを数えます（チェックイン・領収書・照会）。"
            "秒は、壊した部品を動かし直してからの時間です。",
            "",
            "| 壊したもの | 時刻 | 受付 | 失 | 重複 | メール（届いた・重複・要確認） | 支払（人）・出力 | 画面・受付が戻る | メールが出る | 締めが進む（実行回数） |",
            "|---|---|---:|---:|---:|---:|---|---:|---:|---:|",
            *(self._row(row) for row in self.rows),
            "",
            "出力の「同じ」は、乱さない写しで締めた月と、通知書 PDF・総合振込ファイル・一覧の全バイトが同じことです。",
            "",
            "## そのとき画面に出たもの",
            "",
            "| 壊したもの | 時刻 | 表示（件数） |",
            "|---|---|---|",
            *(f"| {row.what} | {row.moment} | {_said(row)} |" for row in self.rows),
            "",
            "「（応答なし）」は、処理中の接続が切れたことです。ブラウザーと携帯の画面は入力を残し、もう一度送ると二重にはなりません。",
            "",
            "## 全体の数",
            "",
            "| 数えたもの | 件数 |",
            "|---|---:|",
            *(f"| {name} | {value:,} |" for name, value in self.facts.items()),
            "",
            f"履歴の鎖: {self.audit or '確かめられませんでした'}",
            "",
            *_PROMISES,
        ]
        if self.facts.get("送ったか機械には分からず、人に確認を求めたメール"):
            lines += [
                "",
                f"今回「要確認」になったメールのうち、実際に届いていたのは {self.unsure_taken} 通です。",
            ]
        return "\n".join(lines) + "\n"

    @staticmethod
    def _row(row: Row) -> str:
        kept = "・".join(f"{count:,}" for count in row.acknowledged.values())

        def seconds(value: float | None) -> str:
            return "戻らず" if value is None else f"{value:.1f}秒"

        files = f"{row.payouts:,}・{'同じ' if row.same_files else '**違う**'}"
        attempts = f"（{row.attempts}回）" if row.attempts else ""
        return (
            f"| {row.what} | {row.moment} +{row.offset:.2f}秒 | {kept} | {row.lost} | {row.doubled} |"
            f" {row.mails:,}・{row.mails_doubled}・{row.unsure} | {files} | {seconds(row.pages_back)} |"
            f" {seconds(row.work_back)} | {seconds(row.close_back)}{attempts} |"
        )


def _planted(store: Store) -> int:
    """How many of three things that were never sent are counted as lost: all, or the counting proves nothing."""
    row = Row("", "", "", 0, "", until=2)
    nothing = {"00000000-0000-4000-8000-000000000000": 1.0}
    count(row, store, Seen(events=dict(nothing), files=dict(nothing), questions=dict(nothing)))
    return row.lost


def _said(row: Row) -> str:
    parts = [
        f"{status or ''} {heading}{'' if clear else '（分かりにくい）'} ×{count}".strip()
        for (status, heading, clear), count in row.said.most_common()
    ]
    parts += [f"ジョブの失敗「{words}」" for words in row.refused]
    return "、".join(parts).replace("|", "／") or "いつもどおり"


_PROMISES = [
    "## 約束していることと、その限り",
    "",
    "- **受け付けたものは失わない。** 答えを返すのは、PostgreSQL が確定（fsync）し、ファイルをディスクに書き終えた後です。"
    "答えが届く前に切れたときは、記録されたかどうかを端末は知りません。同じ番号で送り直すので、一度だけ記録されます。",
    "- **支払は一度だけ。** 同じ派遣の謝金は全ての回を通して一行だけと、データベースの制約が決めています。",
    "- **メールは自動では二度送らない。** 引き渡す直前に「渡す」と確定し、その後に worker が死んだメールは、届いたかどうかを"
    "機械には判断できません（SMTP の限りです）。自動では送り直さず「要確認」として人に見せます（10 分後）。"
    "この試験では、その 10 分を待たずに同じ処理を行いました。人が送り直すと、同じ Message-ID で二通目になり得ます。",
    "- **ジョブは続きから。** worker やデータベースが死んだジョブは、15 秒ごとの見回りが、20 秒沈黙した後に待機へ戻します。"
    "途中の変更は取り消されているので、二度実行されても結果は一度分です。Redis が消えて届かなかった知らせは 30 秒で出し直します。",
    "- **止まった処理を動かし直すのは、外側の仕事です。** この試験では試験の側が動かし直しました。本番は docker-compose の"
    " `restart: unless-stopped` が動かし直します（待機系への切り替えは docs/operations を見てください）。`make demo` は"
    " PostgreSQL と Redis を動かし直し、そう表示します。",
    "- ここで壊したのは処理（SIGKILL・SIGQUIT）と空き容量（tmpfs）です。電源断、ディスクの故障、ネットワークの分断は試していません。",
]
