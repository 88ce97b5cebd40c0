"""The story's clients: small firms, shops and people about to found one."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Final

from core.japan.numbers import corporate_check_digit

from .names import Name, person
from .places import PREFECTURES, Town, address, near, towns_of
from .rows import Row, row

_WORDS: Final = (
    "あおば", "ひだまり", "みなと", "やまなみ", "さくら", "こもれび", "あさひ", "しらかば", "つばめ", "はるかぜ",
    "かもめ", "すずらん", "ほしぞら", "うみかぜ", "たけのこ", "こまつ", "まるや", "大黒屋", "三日月", "福寿",
    "千鳥", "北斗", "東雲", "青嵐", "若竹", "玉乃", "山水", "光洋", "新生", "双葉", "丸一", "共栄", "日の出",
)  # fmt: skip
# what it makes or sells, the end of its name, 業種コード
_TRADES: Final = (
    ("野菜", "ファーム", "A"), ("干物", "水産", "B"), ("外構工事", "建設", "D"), ("住宅リフォーム", "工務店", "D"),
    ("精密板金部品", "製作所", "E"), ("切削加工品", "精工", "E"), ("和菓子", "製菓", "E"), ("清酒", "酒造", "E"),
    ("木製家具", "木工", "E"), ("味噌と漬物", "醸造", "E"), ("陶器", "窯業", "E"), ("印刷物", "印刷", "E"),
    ("業務用ソフト", "システムズ", "G"), ("ウェブ制作", "デザイン", "G"), ("地場運送", "運輸", "H"),
    ("食品卸", "商事", "I"), ("鮮魚", "鮮魚店", "I"), ("婦人服", "洋装店", "I"), ("文具と事務用品", "文具", "I"),
    ("中古住宅の仲介", "不動産", "K"), ("測量と設計", "測量設計", "L"), ("会席料理", "割烹", "M"),
    ("温泉旅館", "旅館", "M"), ("自家焙煎珈琲", "珈琲店", "M"), ("パンと焼菓子", "ベーカリー", "M"),
    ("理美容", "理容室", "N"), ("クリーニング", "クリーニング", "N"), ("学習塾", "学院", "O"),
    ("訪問介護", "介護サービス", "P"), ("自動車整備", "自動車整備", "R"), ("清掃と設備管理", "ビルサービス", "R"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Client:
    """A firm that is helped; `product` is what the reports speak of."""

    code: str
    name: str
    kind: str
    product: str
    owner: Name
    town: Town
    place: str
    latitude: float
    longitude: float
    row: Row


def corporate_number(serial: int) -> str:
    """A 法人番号 with a right check digit whose registry office does not exist."""
    digits = f"999901{serial:06d}"
    return f"{corporate_check_digit(digits)}{digits}"


def _name(word: str, ending: str, kind: str, serial: int) -> str:
    if kind == "創業予定者":
        return f"{word}{ending}（創業準備中）"
    if kind == "小規模事業者" and serial % 3:
        return f"{word}{ending}"
    form = ("株式会社", "有限会社", "合同会社", "株式会社")[serial % 4]
    return f"{word}{ending}{form}" if serial % 5 == 0 else f"{form}{word}{ending}"


def clients(count: int, rng: Random) -> list[Client]:
    """So many firms, spread over the story's prefectures."""
    names = [(word, trade) for word in _WORDS for trade in _TRADES]
    rng.shuffle(names)
    made = []
    for index in range(1, count + 1):
        word, (product, ending, industry) = names[index - 1]
        kind = rng.choices(("小規模事業者", "中小企業", "創業予定者"), (55, 37, 8))[0]
        place = rng.choice(towns_of(PREFECTURES[index % len(PREFECTURES)]))
        name = _name(word, ending, kind, index)
        is_company = "会社" in name
        employees = {"創業予定者": 0, "小規模事業者": rng.randint(0, 5), "中小企業": rng.randint(6, 120)}[
            kind
        ]
        latitude, longitude = near(place, rng)
        values = row(
            {
                "企業コード": f"C{index:06d}",
                "企業名": name,
                "法人番号": corporate_number(index) if is_company else "",
                "都道府県コード": place.prefecture,
                "所在地": address(place, rng),
                "電話番号": f"03-0000-{2000 + index:04d}",
                "メールアドレス": f"c{index:06d}@kigyo.example.jp" if rng.random() < 0.9 else "",
                "業種コード": industry,
                "従業員数": employees,
                "資本金": rng.choice((1, 3, 5, 10, 20, 30)) * 1_000_000 if is_company else None,
                "企業区分": kind,
            }
        )
        where = rng.choice(("本社事務所", "店舗", "工場", "事務所", "会議室")) if is_company else "店舗"
        made.append(
            Client(
                values["企業コード"], name, kind, product, person(rng), place, f"{name} {where}",
                latitude, longitude, values,
            )
        )  # fmt: skip
    return made
