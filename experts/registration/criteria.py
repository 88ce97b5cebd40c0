"""The criteria of a registration and the words for sending something back, dated (spec 002 §3(1)2)①, 専門家の登録基準)."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from core import clock

from .models import Certificate

Kind = Certificate.Kind
_FIRST_DAY: Final = dt.date(2021, 4, 1)


@dataclass(frozen=True, slots=True)
class Route:
    """One 登録要件: how many years of practice it asks for, and what has to be shown."""

    name: str
    wording: str
    years: int = 0
    certificates: tuple[str, ...] = ()
    needs_qualification: bool = False
    needs_affiliation: bool = False
    # less than the years is the institution's to judge, not a refusal
    achievement_instead: bool = False


@dataclass(frozen=True, slots=True)
class Terms:
    """What is in force from a day on: routes, days, and certificates everybody shows."""

    valid_from: dt.date
    routes: tuple[Route, ...]
    certificates: tuple[str, ...]
    link_days: int
    # unanswered for so long, the person is reminded once
    remind_after_days: int


TERMS: Final = (
    Terms(
        valid_from=_FIRST_DAY,
        routes=(
            Route(
                "資格",
                "中小企業診断士、税理士、公認会計士、弁護士、技術士、その他公的資格を有する",
                certificates=(Kind.QUALIFICATION,),
                needs_qualification=True,
            ),
            Route("実務経験", "会社等の管理者または技術者等として10年以上の実務経験を有する", years=10),
            Route(
                "支援経験",
                "経営診断、販路開拓、商品開発等の中小企業者等支援に3年以上の経験を有する、"
                "または当該分野において相応の実績を有すると認められる",
                years=3,
                achievement_instead=True,
            ),
            Route(
                "教育研究",
                "技能等に関する指導・教育機関に所属し、指導、教育、研究に5年以上の経験を有する",
                years=5,
                needs_affiliation=True,
            ),
        ),
        certificates=(Kind.IDENTITY,),
        link_days=30,
        remind_after_days=7,
    ),
)


def terms_on(day: dt.date | None = None) -> Terms:
    """What is in force on a day (None: today); the first before that."""
    day = day or clock.today()
    return max(
        (terms for terms in TERMS if terms.valid_from <= day),
        key=lambda terms: terms.valid_from,
        default=TERMS[0],
    )


def route_of(requirement: str, day: dt.date | None = None) -> Route | None:
    """The route of a 登録要件; None for an unknown one."""
    return next((route for route in terms_on(day).routes if route.name == requirement), None)


def certificates_needed(requirement: str, day: dt.date | None = None) -> tuple[str, ...]:
    """The kinds of certificates that have to be there for a 登録要件."""
    route = route_of(requirement, day)
    return (*terms_on(day).certificates, *(route.certificates if route else ()))


@dataclass(frozen=True, slots=True)
class Criterion:
    """One point the institution confirms. `missing`: what speaks against it in the entry, "" for nothing."""

    code: str
    wording: str
    missing: str = ""
    hint: str = ""


def years_since(practice_from: str, day: dt.date) -> int | None:
    """Whole years from a month (2011-04) or year (2011) to a day; None when it can't be read."""
    parts = practice_from.strip().replace("/", "-").replace(".", "-").split("-")
    try:
        year, month = int(parts[0]), int(parts[1]) if len(parts) > 1 else 12
        begun = dt.date(year, month, 1)
    except (ValueError, IndexError):
        return None
    months = (day.year - begun.year) * 12 + day.month - begun.month
    return months // 12 if months >= 0 else None


def criteria_for(entry: Mapping[str, Any], kinds: set[str], day: dt.date | None = None) -> list[Criterion]:
    """What the institution confirms for this entry, with what is missing. `kinds` are those of the certificates there."""
    day = day or clock.today()
    route = route_of(str(entry.get("requirement", "")), day)
    found = [
        Criterion(
            "interview",
            "面談を行い、中小企業者等の経営課題を解決するための専門的・実践的な知識、技術、技能等を有することを確認した",
        )
    ]
    if route is None:
        missing = "登録要件が選ばれていません。本人に差し戻してください。"
        found.append(Criterion("route", "登録要件のいずれかに該当する", missing))
    else:
        lacking = [kind for kind in route.certificates if kind not in kinds]
        missing, hint = "", ""
        if route.needs_qualification and not entry.get("qualifications"):
            missing = "保有資格が入力されていません。本人に差し戻してください。"
        elif route.needs_affiliation and not str(entry.get("affiliated", "")).strip():
            missing = "所属する指導・教育機関が入力されていません。本人に差し戻してください。"
        elif route.years:
            years = years_since(str(entry.get("practice_from", "")), day)
            if years is None:
                missing = "経験の開始年月が入力されていません。本人に差し戻してください。"
            elif years < route.years and route.achievement_instead:
                hint = f"経験は{years}年です。相応の実績があるかを、経歴で確かめてください。"
            elif years < route.years:
                missing = f"経験は{years}年で、{route.years}年に足りません。内容を本人に確かめてください。"
            else:
                hint = f"経験は{years}年です。"
        found.append(Criterion("route", route.wording, missing, hint))
        for kind in lacking:
            found.append(Criterion(f"certificate:{kind}", f"{kind}の写しがある", _no_certificate(kind)))
        for kind in route.certificates:
            if kind in kinds:
                wording = f"{kind}の写しがあり、氏名と資格が入力と一致する"
                found.append(Criterion(f"certificate:{kind}", wording))
    for kind in terms_on(day).certificates:
        missing = "" if kind in kinds else _no_certificate(kind)
        found.append(
            Criterion(f"certificate:{kind}", f"{Kind(kind).label}があり、氏名と住所が入力と一致する", missing)
        )
    found.append(Criterion("recommend", "以上により、本機関として専門家に推薦する"))
    return found


def _no_certificate(kind: str) -> str:
    return f"{Kind(kind).label}がありません。本人に差し戻して、追加を依頼してください。"


RETURN_REASONS: Final[Mapping[str, str]] = {
    "differs": "添付の書類と一致していません。書類のとおりに直してください。",
    "unreadable": "写真が不鮮明で読み取れません。明るい場所で撮り直してください。",
    "missing": "入力または添付がありません。追加してください。",
    "expired": "有効期限が切れています。有効なものを添付してください。",
    "incomplete": "記載が足りません。内容が分かるように詳しく入力してください。",
    "not_own_account": "本人名義の口座ではありません。本人名義の口座を入力してください。",
    "other": "",
}
"""Ready-made reasons by code; `other` asks for words of one's own."""
