"""The story's experts: every 源泉区分, several kinds of banks, rare names, and those whose data hold a payment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from . import bank_accounts
from .bank_accounts import Account
from .clients import corporate_number
from .institutions import Institution
from .names import RARE, Name, people
from .places import PREFECTURES, Town, address, near, towns_of
from .rows import Row, row

COUNT: Final = 72

# qualification, topics, requirement, 源泉区分
_SPECIALTIES: Final = (
    ("中小企業診断士", ("売上拡大", "販路開拓", "生産性向上"), "資格", "報酬2号"),
    ("中小企業診断士", ("資金繰り", "事業承継", "創業"), "資格", "報酬2号"),
    ("ITコーディネータ", ("IT活用", "生産性向上"), "資格", "報酬2号"),
    ("税理士", ("資金繰り", "事業承継"), "資格", "報酬2号"),
    ("公認会計士", ("資金繰り", "事業承継"), "資格", "報酬2号"),
    ("社会保険労務士", ("人材・労務",), "資格", "報酬2号"),
    ("弁理士", ("知的財産", "海外展開"), "資格", "報酬2号"),
    ("弁護士", ("事業承継", "人材・労務", "その他"), "資格", "報酬2号"),
    ("デザイナー", ("販路開拓", "売上拡大"), "実務経験", "報酬1号"),
    ("商品企画・ブランディング", ("販路開拓", "海外展開"), "実務経験", "報酬1号"),
    ("店舗運営コンサルタント", ("売上拡大", "創業"), "支援経験", "報酬1号"),
    ("大学教員（経営工学）", ("生産性向上", "IT活用"), "教育研究", "報酬1号"),
    ("司法書士", ("事業承継", "創業"), "資格", "司法書士等"),
    ("行政書士", ("創業", "その他"), "資格", "対象外"),
)


@dataclass(frozen=True, slots=True)
class Expert:
    """An expert: who, from where, on what; `ordinary` unless a story of its own needs this person."""

    code: str
    name: Name
    town: Town
    topics: tuple[str, ...]
    ordinary: bool
    row: Row


@dataclass(frozen=True, slots=True)
class _Special:
    """What sets one expert apart."""

    account: Account | None = None
    holder_kana: str = ""
    subsidised: bool = False
    affiliated: str = ""
    payee_class: str = ""
    prefecture: str = ""
    name: Name | None = None


# role in the story → what is special
SPECIAL: Final = {
    "unknown_branch": _Special(account=bank_accounts.UNKNOWN_BRANCH, prefecture="13"),
    "unknown_bank": _Special(account=bank_accounts.UNKNOWN_BANK, prefecture="40"),
    "refused_holder": _Special(
        holder_kana="鷗外 ナナ", name=Name("鷗外", "菜々", "オウガイ", "ナナ"), prefecture="27"
    ),
    "long_holder": _Special(holder_kana="カブシキガイシャ ミホンケイエイソウゴウケンキュウジョ トウキョウ", prefecture="13"),
    "subsidised": _Special(subsidised=True, prefecture="20"),
    "own_institution": _Special(affiliated="認定NPO法人", prefecture="28"),
    "own_chamber": _Special(affiliated="商工会議所", prefecture="20"),
    "abroad": _Special(payee_class="非居住者", name=Name("Nguyễn", "Văn Minh", "グエン", "ヴァン ミン"), prefecture="13"),
    "firm": _Special(payee_class="法人", prefecture="14"),
    "second_firm": _Special(payee_class="法人", prefecture="23"),
}  # fmt: skip
# These are held or excluded for whatever they do, or belong to somebody: they get only the visits the story gives.
APART: Final = frozenset(
    (
        "unknown_branch",
        "unknown_bank",
        "refused_holder",
        "long_holder",
        "subsidised",
        "own_institution",
        "own_chamber",
    )
)


def experts(institutions: Sequence[Institution], rng: Random) -> tuple[list[Expert], dict[str, Expert]]:
    """All of them in order of their codes, and those with a part of their own by role."""
    rare = [name for name in RARE if name not in [special.name for special in SPECIAL.values()]]
    names = [*rare, *people(COUNT - len(rare), rng)]
    roles: list[str] = [""] * len(rare) + list(SPECIAL) + [""] * (COUNT - len(rare) - len(SPECIAL))
    made: list[Expert] = []
    cast: dict[str, Expert] = {}
    for index, (name, role) in enumerate(zip(names, roles, strict=True), start=1):
        special = SPECIAL.get(role, _Special())
        expert = _expert(index, special.name or name, special, role, institutions, rng)
        made.append(expert)
        if role:
            cast[role] = expert
    return made, cast


def _expert(
    index: int, name: Name, special: _Special, role: str, institutions: Sequence[Institution], rng: Random
) -> Expert:
    prefecture = special.prefecture or PREFECTURES[index % len(PREFECTURES)]
    place = rng.choice(towns_of(prefecture)[:3])
    qualification, topics, requirement, payee_class = _SPECIALTIES[index % len(_SPECIALTIES)]
    payee_class = special.payee_class or payee_class
    account = special.account or bank_accounts.account(prefecture, rng)
    code = f"E{index:06d}"
    holder = special.holder_kana or name.kana
    invoice = ""
    if payee_class == "法人":
        holder = f"カ）{name.family_kana}ケイエイジムショ"
        invoice = f"T{corporate_number(900_000 + index)}"
    elif payee_class == "非居住者":
        holder = "NGUYEN VAN MINH"
    elif rng.random() < 0.7:
        invoice = f"T{corporate_number(800_000 + index)}"
    recommender = _recommender(prefecture, institutions, rng)
    latitude, longitude = near(place, rng)
    affiliated = [
        body.code for body in institutions if special.affiliated and body.kind == special.affiliated
    ]
    values = row(
        {
            "専門家コード": code,
            "氏名": name.written,
            "氏名カナ": name.kana,
            "都道府県コード": prefecture,
            "住所": address(place, rng, rng.choice(("", "", "見本マンション302", "ハイツ手本105"))),
            "電話番号": f"090-0000-{3000 + index:04d}",
            "メールアドレス": f"{code.lower()}@senmonka.example.jp",
            "推薦機関コード": recommender.code,
            "登録要件": requirement,
            "保有資格": qualification if requirement == "資格" else "",
            "専門分野": ";".join(topics),
            "得意業種": ";".join(sorted(rng.sample("DEGIMR", 2))),
            "活動拠点緯度": latitude,
            "活動拠点経度": longitude,
            "銀行コード": account.bank,
            "支店コード": account.branch,
            "預金種目": account.kind,
            "口座番号": account.number,
            "口座名義カナ": holder,
            "源泉区分": payee_class,
            "適格請求書番号": invoice,
            "所属機関コード": ";".join(affiliated[:1]),
            "人件費補助": special.subsidised,
        }
    )
    return Expert(code, name, place, topics, role not in APART, values)


def _recommender(prefecture: str, institutions: Sequence[Institution], rng: Random) -> Institution:
    dispatching = [body for body in institutions if body.may_dispatch]
    near_by = [body for body in dispatching if body.town.prefecture == prefecture]
    return rng.choice(near_by or dispatching)
