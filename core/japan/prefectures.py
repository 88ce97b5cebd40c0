"""The 47 prefectures (JIS X 0401) and the bureau of METI each belongs to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

HOKKAIDO: Final = "北海道経済産業局"
TOHOKU: Final = "東北経済産業局"
KANTO: Final = "関東経済産業局"
CHUBU: Final = "中部経済産業局"
KINKI: Final = "近畿経済産業局"
CHUGOKU: Final = "中国経済産業局"
SHIKOKU: Final = "四国経済産業局"
KYUSHU: Final = "九州経済産業局"
OKINAWA: Final = "沖縄総合事務局"
BUREAUS: Final = (HOKKAIDO, TOHOKU, KANTO, CHUBU, KINKI, CHUGOKU, SHIKOKU, KYUSHU, OKINAWA)


@dataclass(frozen=True, slots=True)
class Prefecture:
    """A prefecture: two-digit code, full name, bureau."""

    code: str
    name: str
    bureau: str


# In order of the JIS code. 新潟 山梨 長野 静岡 belong to 関東, 富山 石川 to 中部, 福井 to 近畿.
_IN_CODE_ORDER: Final = (
    ("北海道", HOKKAIDO),
    ("青森県", TOHOKU),
    ("岩手県", TOHOKU),
    ("宮城県", TOHOKU),
    ("秋田県", TOHOKU),
    ("山形県", TOHOKU),
    ("福島県", TOHOKU),
    ("茨城県", KANTO),
    ("栃木県", KANTO),
    ("群馬県", KANTO),
    ("埼玉県", KANTO),
    ("千葉県", KANTO),
    ("東京都", KANTO),
    ("神奈川県", KANTO),
    ("新潟県", KANTO),
    ("富山県", CHUBU),
    ("石川県", CHUBU),
    ("福井県", KINKI),
    ("山梨県", KANTO),
    ("長野県", KANTO),
    ("岐阜県", CHUBU),
    ("静岡県", KANTO),
    ("愛知県", CHUBU),
    ("三重県", CHUBU),
    ("滋賀県", KINKI),
    ("京都府", KINKI),
    ("大阪府", KINKI),
    ("兵庫県", KINKI),
    ("奈良県", KINKI),
    ("和歌山県", KINKI),
    ("鳥取県", CHUGOKU),
    ("島根県", CHUGOKU),
    ("岡山県", CHUGOKU),
    ("広島県", CHUGOKU),
    ("山口県", CHUGOKU),
    ("徳島県", SHIKOKU),
    ("香川県", SHIKOKU),
    ("愛媛県", SHIKOKU),
    ("高知県", SHIKOKU),
    ("福岡県", KYUSHU),
    ("佐賀県", KYUSHU),
    ("長崎県", KYUSHU),
    ("熊本県", KYUSHU),
    ("大分県", KYUSHU),
    ("宮崎県", KYUSHU),
    ("鹿児島県", KYUSHU),
    ("沖縄県", OKINAWA),
)

PREFECTURES: Final = tuple(
    Prefecture(f"{number:02}", name, bureau) for number, (name, bureau) in enumerate(_IN_CODE_ORDER, start=1)
)
BY_CODE: Final = {prefecture.code: prefecture for prefecture in PREFECTURES}
CODES: Final = tuple(BY_CODE)
CHOICES: Final = tuple((prefecture.code, prefecture.name) for prefecture in PREFECTURES)


def prefecture_name(code: str) -> str:
    """The name of a two-digit prefecture code; KeyError when there is none."""
    return BY_CODE[code].name


def bureau_of(code: str) -> str:
    """The bureau a two-digit prefecture code belongs to; KeyError when there is none."""
    return BY_CODE[code].bureau
