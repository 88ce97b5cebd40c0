"""The story's institutions: every 機関区分, a platform with its representative and members."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from random import Random
from typing import Final

from .places import Town, address, town
from .rows import Row, row

_PLATFORM: Final = ("PF2001", "信州ものづくり支援プラットフォーム")


@dataclass(frozen=True, slots=True)
class Institution:
    """An institution that applies for dispatches, unless it is one that may not."""

    code: str
    name: str
    kind: str
    town: Town
    row: Row

    @property
    def may_dispatch(self) -> bool:
        """Whether it applies for dispatches of its own."""
        return self.kind != "構成機関（派遣対象外）"


# name, 機関区分, town, role in the platform
_LIST: Final = (
    ("北海道よろず支援拠点", "よろず支援拠点", "札幌市中央区", ""),
    ("宮城県よろず支援拠点", "よろず支援拠点", "仙台市青葉区", ""),
    ("東京都よろず支援拠点", "よろず支援拠点", "千代田区", ""),
    ("新潟県よろず支援拠点", "よろず支援拠点", "新潟市中央区", ""),
    ("長野県よろず支援拠点", "よろず支援拠点", "長野市", "構成"),
    ("愛知県よろず支援拠点", "よろず支援拠点", "名古屋市中村区", ""),
    ("大阪府よろず支援拠点", "よろず支援拠点", "大阪市北区", ""),
    ("広島県よろず支援拠点", "よろず支援拠点", "広島市南区", ""),
    ("福岡県よろず支援拠点", "よろず支援拠点", "福岡市博多区", ""),
    ("沖縄県よろず支援拠点", "よろず支援拠点", "那覇市", ""),
    ("佐渡みなと商工会", "商工会", "佐渡市", ""),
    ("秩父やまなみ商工会", "商工会", "秩父市", ""),
    ("松本みほん商工会議所", "商工会議所", "松本市", "構成"),
    ("東大阪みほん商工会議所", "商工会議所", "東大阪市", ""),
    ("鹿児島みほん商工会議所", "商工会議所", "鹿児島市", ""),
    ("石川みほん中小企業団体中央会", "中央会", "金沢市", ""),
    ("京都みほん商店街振興組合連合会", "商店街振興組合連合会", "京都市下京区", ""),
    ("信州みほん産業支援機構", "指定法人", "長野市", "代表"),
    ("静岡みほん信用保証協会", "信用保証協会", "静岡市葵区", ""),
    ("一般社団法人みほん事業承継支援ネット", "認定一般社団・財団法人", "横浜市西区", ""),
    ("みほん信用金庫 大宮営業部", "認定金融機関", "さいたま市大宮区", ""),
    ("せとうち見本銀行 高松支店", "認定金融機関", "高松市", ""),
    ("学校法人みほん学園 瀬戸内見本大学", "認定大学", "松山市", ""),
    ("NPO法人まちづくり見本工房", "認定NPO法人", "神戸市中央区", ""),
    ("株式会社みほん経営サポート", "認定その他法人", "墨田区", ""),
    ("みほん県弁護士会 中小企業支援センター", "弁護士会等", "千代田区", ""),
    ("伊那谷みほん観光協会", "構成機関（派遣対象外）", "飯田市", "構成"),
)


def institutions(today: date, rng: Random) -> list[Institution]:
    """All of them, in order of their codes."""
    made = []
    for index, (name, kind, town_name, role) in enumerate(_LIST, start=1):
        code = f"K{index:05d}"
        place = town(town_name)
        certified = kind.startswith("認定") or kind == "信用保証協会"
        platform = _PLATFORM if role else ("", "")
        values = row(
            {
                "機関コード": code,
                "機関名": name,
                "機関区分": kind,
                "都道府県コード": place.prefecture,
                "所在地": address(
                    place, rng, rng.choice(("", "見本ビル3階", "支援センター内", "商工会館2階"))
                ),
                "電話番号": f"03-0000-{1000 + index:04d}",
                "メールアドレス": f"{code.lower()}@kikan.example.jp",
                "認定支援機関番号": f"10999900{index:04d}" if certified else "",
                "認定有効期限": date(today.year + 1 + index % 4, 3 + index % 9, 28) if certified else None,
                "地域PFコード": platform[0],
                "地域PF名": platform[1],
                "地域PF役割": role,
            }
        )
        made.append(Institution(code, name, kind, place, values))
    return made
