"""Names of people: common ones, and the rare characters that offices struggle with."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Final


@dataclass(frozen=True, slots=True)
class Name:
    """A person's name as written and as read."""

    family: str
    given: str
    family_kana: str
    given_kana: str

    @property
    def written(self) -> str:
        """`髙﨑 美咲`."""
        return f"{self.family} {self.given}"

    @property
    def kana(self) -> str:
        """`タカサキ ミサキ`."""
        return f"{self.family_kana} {self.given_kana}"


_FAMILIES: Final = (
    ("佐藤", "サトウ"), ("鈴木", "スズキ"), ("高橋", "タカハシ"), ("田中", "タナカ"), ("伊藤", "イトウ"),
    ("渡辺", "ワタナベ"), ("山本", "ヤマモト"), ("中村", "ナカムラ"), ("小林", "コバヤシ"), ("加藤", "カトウ"),
    ("吉田", "ヨシダ"), ("山田", "ヤマダ"), ("佐々木", "ササキ"), ("山口", "ヤマグチ"), ("松本", "マツモト"),
    ("井上", "イノウエ"), ("木村", "キムラ"), ("林", "ハヤシ"), ("清水", "シミズ"), ("斎藤", "サイトウ"),
    ("山崎", "ヤマザキ"), ("森", "モリ"), ("池田", "イケダ"), ("橋本", "ハシモト"), ("阿部", "アベ"),
    ("石川", "イシカワ"), ("前田", "マエダ"), ("藤田", "フジタ"), ("小川", "オガワ"), ("岡田", "オカダ"),
    ("後藤", "ゴトウ"), ("長谷川", "ハセガワ"), ("村上", "ムラカミ"), ("近藤", "コンドウ"), ("石井", "イシイ"),
    ("坂本", "サカモト"), ("遠藤", "エンドウ"), ("青木", "アオキ"), ("藤井", "フジイ"), ("西村", "ニシムラ"),
    ("福田", "フクダ"), ("太田", "オオタ"), ("三浦", "ミウラ"), ("藤原", "フジワラ"), ("岡本", "オカモト"),
    ("松田", "マツダ"), ("中川", "ナカガワ"), ("中野", "ナカノ"), ("原田", "ハラダ"), ("小野", "オノ"),
    ("田村", "タムラ"), ("竹内", "タケウチ"), ("金子", "カネコ"), ("和田", "ワダ"), ("中山", "ナカヤマ"),
    ("石田", "イシダ"), ("上田", "ウエダ"), ("森田", "モリタ"), ("柴田", "シバタ"), ("酒井", "サカイ"),
    ("横山", "ヨコヤマ"), ("宮崎", "ミヤザキ"), ("宮本", "ミヤモト"), ("内田", "ウチダ"), ("高木", "タカギ"),
    ("安藤", "アンドウ"), ("谷口", "タニグチ"), ("大野", "オオノ"), ("丸山", "マルヤマ"), ("今井", "イマイ"),
)  # fmt: skip

_GIVEN: Final = (
    ("翔太", "ショウタ"), ("健一", "ケンイチ"), ("大輔", "ダイスケ"), ("直樹", "ナオキ"), ("浩二", "コウジ"),
    ("誠", "マコト"), ("隆", "タカシ"), ("修", "オサム"), ("和也", "カズヤ"), ("拓也", "タクヤ"),
    ("哲也", "テツヤ"), ("雅人", "マサト"), ("幸雄", "ユキオ"), ("正樹", "マサキ"), ("亮", "リョウ"),
    ("俊介", "シュンスケ"), ("康弘", "ヤスヒロ"), ("達也", "タツヤ"), ("美咲", "ミサキ"), ("陽子", "ヨウコ"),
    ("由美子", "ユミコ"), ("恵子", "ケイコ"), ("真由美", "マユミ"), ("久美子", "クミコ"), ("智子", "トモコ"),
    ("裕子", "ユウコ"), ("千春", "チハル"), ("香織", "カオリ"), ("明日香", "アスカ"), ("さゆり", "サユリ"),
    ("直子", "ナオコ"), ("典子", "ノリコ"), ("美穂", "ミホ"), ("理恵", "リエ"), ("あゆみ", "アユミ"),
)  # fmt: skip

# People whose names test documents, lists and bank files.
RARE: Final = (
    Name("𠮷田", "和夫", "ヨシダ", "カズオ"),
    Name("髙﨑", "美咲", "タカサキ", "ミサキ"),
    Name("邉見", "修一", "ヘンミ", "シュウイチ"),
    Name("渡邊", "聖子", "ワタナベ", "セイコ"),
    Name("齋藤", "晋", "サイトウ", "ススム"),
    Name("濵田", "真理", "ハマダ", "マリ"),
    Name("栁澤", "勇", "ヤナギサワ", "イサム"),
    Name("大槗", "徹", "オオハシ", "トオル"),
    Name("鷗外", "菜々", "オウガイ", "ナナ"),
    Name("辻󠄀", "健吾", "ツジ", "ケンゴ"),
)


def people(count: int, rng: Random) -> list[Name]:
    """So many different people with common names; no two share the written name."""
    pairs = [(family, given) for family in _FAMILIES for given in _GIVEN]
    rng.shuffle(pairs)
    # every family name at most a few times, as in a real register
    chosen: list[Name] = []
    used: dict[str, int] = {}
    for (family, family_kana), (given, given_kana) in pairs:
        if used.get(family, 0) * len(_FAMILIES) > count:
            continue
        used[family] = used.get(family, 0) + 1
        chosen.append(Name(family, given, family_kana, given_kana))
        if len(chosen) == count:
            return chosen
    raise ValueError("too many people")


def person(rng: Random) -> Name:
    """Somebody with a common name."""
    family, family_kana = rng.choice(_FAMILIES)
    given, given_kana = rng.choice(_GIVEN)
    return Name(family, given, family_kana, given_kana)
