"""A month of exchange files of any size, always the same for the same seed.

`python benchmarks/generate.py DIR 11500 [2021-07]` writes it. Nine of ten dispatches are payable, the rest is held,
ineligible, incomplete or cancelled, so that a close has something of everything to do.
"""

import csv
import datetime as dt
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

SEED = 20210701
VISITS_PER_EXPERT = 8
VISITS_PER_COMPANY = 2
INSTITUTIONS = 300
BRANCHES = (("0001", "001"), ("0001", "004"), ("0005", "001"), ("0009", "001"), ("0010", "100"))
TOPICS = ("売上拡大", "販路開拓", "IT活用", "生産性向上", "資金繰り", "事業承継", "創業", "人材・労務")
NAMES = ("佐藤", "鈴木", "高橋", "田中", "伊藤", "渡辺", "山本", "中村", "小林", "加藤")
KANA = (
    "サトウ",
    "スズキ",
    "タカハシ",
    "タナカ",
    "イトウ",
    "ワタナベ",
    "ヤマモト",
    "ナカムラ",
    "コバヤシ",
    "カトウ",
)
CLASSES = ("報酬2号",) * 8 + ("司法書士等", "法人")

HEADERS = {
    "payer": (
        "委託者コード,委託者名カナ,名称,住所,電話番号,法人番号,登録番号,銀行コード,支店コード,預金種目,"
        "口座番号"
    ),
    "institutions": "機関コード,機関名,機関区分,都道府県コード,所在地,電話番号,メールアドレス",
    "experts": (
        "専門家コード,氏名,氏名カナ,都道府県コード,住所,電話番号,メールアドレス,推薦機関コード,登録要件,"
        "保有資格,専門分野,得意業種,活動拠点緯度,活動拠点経度,銀行コード,支店コード,預金種目,口座番号,"
        "口座名義カナ,源泉区分,適格請求書番号,所属機関コード,人件費補助"
    ),
    "companies": (
        "企業コード,企業名,法人番号,都道府県コード,所在地,電話番号,メールアドレス,業種コード,従業員数,"
        "資本金,企業区分"
    ),
    "dispatches": (
        "派遣番号,機関コード,専門家コード,企業コード,経営課題,実施方式,WEB事前承認,支援場所,緯度,経度,"
        "予定開始,予定終了,実施開始,実施終了,休憩分,同行,同行開始,同行終了,同行無の理由,"
        "専門家からの要請,機関からの給与謝金,上限例外承認,支援内容,報告日時,従事証明日時,機関承認日時,"
        "状態,取消理由,行程番号,事務局判断,事務局判断理由"
    ),
    "check_events": "イベントID,派遣番号,種別,端末時刻,緯度,経度,精度m,署名者氏名",
    "declarations": "派遣番号,事由,申告開始,申告終了,提出日時,理由",
    "travel_claims": (
        "派遣番号,行番号,利用日,種別,出発地,到着地,距離km,運賃,特急料金,指定席料金,往復割引運賃,"
        "通常運賃,請求額,領収書,半券,座席,公共交通機関なし,高速船,並行航路,宿泊種別,認定距離km,認定額,"
        "必要理由"
    ),
}


def _time(value: dt.datetime) -> str:
    return value.strftime("%Y-%m-%d %H:%M")


class Visit(NamedTuple):
    """What the files of one dispatch have in common; further chances come from its own source."""

    number: str
    expert: int
    company: int
    chance: random.Random
    start: dt.datetime
    end: dt.datetime
    web: bool
    lat: str
    lon: str


class Month:
    """The rows of a month; `dispatches` of them."""

    def __init__(
        self, dispatches: int, month: str = "2021-07", seed: int = SEED, *, experts: int | None = None
    ) -> None:
        """`experts`: how many visit; each as often as VISITS_PER_EXPERT says where it isn't given."""
        self.count = dispatches
        self.seed = seed
        first = dt.datetime.strptime(month + "-01", "%Y-%m-%d")
        days = [first + dt.timedelta(days=n) for n in range(28)]
        self.days = [day for day in days if day.weekday() < 5]
        self.prefix = first.strftime("%Y%m")
        self.experts = experts or max(1, -(-dispatches // VISITS_PER_EXPERT))
        self.companies = max(1, -(-dispatches // VISITS_PER_COMPANY))

    def payer(self) -> Iterator[list[object]]:
        yield ["1234567890", "センモンカハケンジムキヨク", "専門家派遣事務局株式会社", "東京都千代田区試験1-2-3",
               "03-0000-0000", "7123456789012", "T7123456789012", "0001", "001", "普通", "1234567"]  # fmt: skip

    def institutions(self) -> Iterator[list[object]]:
        for n in range(INSTITUTIONS):
            kind = ("よろず支援拠点", "商工会", "商工会議所", "中央会")[n % 4]
            yield [f"K{n:05}", f"試験{kind}{n}", kind, f"{n % 47 + 1:02}", f"試験市{n}-1", "03-0000-0000",
                   f"k{n:05}@example.jp"]  # fmt: skip

    def experts_(self) -> Iterator[list[object]]:
        for n in range(self.experts):
            random_ = random.Random(f"{self.seed} expert {n}")
            bank, branch = random_.choice(BRANCHES)
            which = n % len(NAMES)
            yield [f"E{n:06}", f"{NAMES[which]} 見本{n}", f"{KANA[which]} ミホン", f"{n % 47 + 1:02}", f"試験町{n}",
                   "090-0000-0000", f"e{n:06}@example.jp", f"K{n % INSTITUTIONS:05}", "資格", "中小企業診断士",
                   "IT活用;販路開拓", "G;I", f"{35 + random_.random():.6f}", f"{139 + random_.random():.6f}", bank,
                   branch, "普通", f"{random_.randrange(10**7):07}", f"{KANA[which]} ミホン", random_.choice(CLASSES),
                   "", "", "無"]  # fmt: skip

    def companies_(self) -> Iterator[list[object]]:
        for n in range(self.companies):
            yield [f"C{n:07}", f"株式会社試験{n}", "", f"{n % 47 + 1:02}", f"見本町{n}", "06-0000-0000",
                   f"c{n:07}@example.com", "ABCDEFGHIJKLMNOPQRST"[n % 20], n % 90, 3_000_000, "中小企業"]  # fmt: skip

    def visits(self) -> Iterator["Visit"]:
        """The visits; nobody is at two places at once."""
        for n in range(self.count):
            chance = random.Random(f"{self.seed} {n}")
            expert, nth = n % self.experts, n // self.experts
            day = self.days[(expert * 3 + nth) % len(self.days)]
            start = day + dt.timedelta(hours=9 + expert % 6, minutes=30 * chance.randrange(2))
            end = start + dt.timedelta(minutes=30 * chance.randrange(2, 8))
            web = chance.random() < 0.1
            lat, lon = ("", "") if web else (f"{35 + chance.random():.6f}", f"{139 + chance.random():.6f}")
            yield Visit(
                f"D{self.prefix}{n:07}", expert, n % self.companies, chance, start, end, web, lat, lon
            )

    def dispatches(self) -> Iterator[list[object]]:
        for number, expert, company, chance, start, end, web, lat, lon in self.visits():
            held = chance.random()
            state, why = ("取消", "支援先の都合") if held < 0.02 else ("", "")
            judged, because = ("保留", "確認中のため") if 0.02 <= held < 0.05 else ("", "")
            approved = "" if 0.05 <= held < 0.08 else _time(end + dt.timedelta(days=1))
            yield [number, f"K{expert % INSTITUTIONS:05}", f"E{expert:06}", f"C{company:07}", chance.choice(TOPICS),
                   "WEB" if web else "対面", "有" if web else "無", "支援先事業所", lat, lon, _time(start), _time(end),
                   _time(start), _time(end), "", "有", _time(start), _time(start + dt.timedelta(minutes=20)), "",
                   "無", "有" if 0.08 <= held < 0.1 else "無", "無",
                   f"{number} の支援。課題を整理し、次回までの取り組みを助言した。", _time(end + dt.timedelta(hours=3)),
                   _time(end + dt.timedelta(hours=5)), approved, state, why, "", judged, because]  # fmt: skip

    def check_events(self) -> Iterator[list[object]]:
        for number, _, _, _, start, end, web, lat, lon in self.visits():
            began = _time(start - dt.timedelta(minutes=1))
            yield [f"{number}-S", number, "開始", began, lat, lon, "" if web else 20, ""]
            if number[-2:] != "17":
                seconds = (end + dt.timedelta(seconds=33)).strftime("%Y-%m-%d %H:%M:%S")
                yield [f"{number}-E", number, "終了", seconds, lat, lon, "" if web else 10, "代表 見本"]

    def declarations(self) -> Iterator[list[object]]:
        for number, _, _, _, start, end, *_ in self.visits():
            if number[-2:] == "17":
                yield [
                    number,
                    "終了報告失念",
                    "",
                    _time(end),
                    _time(start + dt.timedelta(days=1)),
                    "操作を誤ったため",
                ]

    def travel_claims(self) -> Iterator[list[object]]:
        for number, expert, _, chance, start, *_ in self.visits():
            km, fare, day = chance.randrange(20, 2000) / 10, chance.randrange(200, 4000), start.date()
            no = ["無", "無", "", "無", "無", "無", "", "", "", ""]
            if expert % 7 == 0:
                car = ["無", "無", "", "無", "無", "無", "", f"{km:g}", "", ""]
                yield [
                    number,
                    1,
                    day,
                    "私有車",
                    "自宅",
                    "支援先",
                    f"{km:g}",
                    "",
                    "",
                    "",
                    "",
                    "",
                    int(km * 37),
                    *car,
                ]
                continue
            yield [number, 1, day, "鉄道", "自宅", "支援先", f"{km:g}", fare, "", "", "", "", fare, *no]
            yield [number, 2, day, "バス", "支援先", "駅", "5", 210, "", "", "", "", 210, *no]

    def write(self, folder: Path) -> dict[str, int]:
        """Writes the eight files; answers rows per file."""
        folder.mkdir(parents=True, exist_ok=True)
        makers = {
            "payer": self.payer, "institutions": self.institutions, "experts": self.experts_,
            "companies": self.companies_, "dispatches": self.dispatches, "check_events": self.check_events,
            "declarations": self.declarations, "travel_claims": self.travel_claims,
        }  # fmt: skip
        counts = {}
        for name, rows in makers.items():
            with (folder / f"{name}.csv").open("w", encoding="utf-8-sig", newline="") as file:
                writer = csv.writer(file, lineterminator="\r\n")
                writer.writerow(HEADERS[name].split(","))
                counts[name] = 0
                for row in rows():
                    writer.writerow(row)
                    counts[name] += 1
        return counts


if __name__ == "__main__":
    print(Month(int(sys.argv[2]), *sys.argv[3:4]).write(Path(sys.argv[1])))
