"""Whether what was typed can be registered, field by field; the same at submission and again at approval."""

import re
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from core import clock
from core.japan.folding import fold
from core.japan.industries import INDUSTRIES
from core.japan.numbers import RegistrationCheck, check_registration_number
from core.japan.prefectures import BY_CODE
from core.japan.text import normal_code, normal_digits
from core.programme.models import CodeItem
from core.programme.selectors import RuleBook, code_items
from experts.account_entry import EnteredAccount, check_account, check_yucho_account
from institutions.models import Institution
from rules import codes

from . import criteria
from .fields import CERTIFICATE
from .models import Certificate

Problems = dict[str, list[str]]
_KANA: Final = re.compile("[ァ-ヴー・ 　]+")
_HIRAGANA: Final = {code: code + 0x60 for code in range(0x3041, 0x3097)}
_PHONE: Final = re.compile("0[0-9]{9,10}")
# The islands at the ends; abroad there is no activity.
_LATITUDES: Final = (Decimal(20), Decimal(46))
_LONGITUDES: Final = (Decimal(122), Decimal(154))
_SEPARATOR: Final = ";"


@dataclass(frozen=True, slots=True)
class Checked:
    """An entry as it would be registered (`values`: fields of Expert), and what stands against it.

    `hints` refuse nothing: they say to the person, and to those who check, what to look at again.
    """

    values: dict[str, Any] = field(repr=False)
    account: EnteredAccount = field(repr=False)
    problems: Problems
    hints: Problems


def katakana(text: str) -> str:
    """A reading in full-width katakana, whatever kana it was typed in, words parted by one blank."""
    return " ".join(unicodedata.normalize("NFKC", text).translate(_HIRAGANA).split())


def check(entry: Mapping[str, Any], kinds: Collection[str]) -> Checked:
    """Judges an entry. `kinds`: the kinds of the certificates that are there. Six queries at most."""
    problems: Problems = {}
    hints: Problems = {}

    def text(name: str) -> str:
        return str(entry.get(name) or "").strip()

    def refuse(name: str, why: str) -> None:
        problems.setdefault(name, []).append(why)

    values: dict[str, Any] = {
        "name": " ".join(text("name").split()),
        "kana": katakana(text("kana")),
        "prefecture_code": text("prefecture_code"),
        "address": " ".join(text("address").split()),
        "phone": unicodedata.normalize("NFKC", text("phone")),
        "email": normal_code(text("email")),
    }
    if not values["name"]:
        refuse("name", "氏名を入力してください。")
    if not values["kana"]:
        refuse("kana", "氏名のフリガナを入力してください。")
    elif not _KANA.fullmatch(values["kana"]):
        refuse("kana", "フリガナは、カタカナ（またはひらがな）で入力してください。")
    if values["prefecture_code"] not in BY_CODE:
        refuse("prefecture_code", "都道府県を選んでください。")
    if not values["address"]:
        refuse("address", "住所を番地まで入力してください。")
    if not _PHONE.fullmatch(normal_digits(values["phone"])):
        refuse("phone", "電話番号は、市外局番から10桁または11桁の数字で入力してください。例：090-1234-5678")
    try:
        validate_email(values["email"])
    except ValidationError:
        refuse("email", "メールアドレスの形式が正しくありません。例：taro@example.jp")
    values |= _activity(entry, text, refuse)
    values |= _route(entry, kinds, text, refuse)
    account = _account(entry, text, refuse, hints)
    values |= {
        "payee_class": text("payee_class"),
        "invoice_number": normal_code(text("invoice_number")).upper().replace("-", ""),
        "bank_code": account.bank_code,
        "branch_code": account.branch_code,
        "account_type": account.account_type,
        "account_number": account.account_number,
        "account_holder_kana": unicodedata.normalize("NFKC", text("account_holder_kana")),
    }
    _tax(values, refuse)
    _hint_holder(entry, values["kana"], hints)
    return Checked(values, account, problems, hints)


def judge_account(entry: Mapping[str, Any]) -> tuple[EnteredAccount, Problems, Problems]:
    """The account of an entry alone, with what stands against it and hints by field: what is told while it is typed.

    The holder is compared with the entry's `kana` where there is one. Four queries at most.
    """
    problems: Problems = {}
    hints: Problems = {}

    def text(name: str) -> str:
        return str(entry.get(name) or "").strip()

    def refuse(name: str, why: str) -> None:
        problems.setdefault(name, []).append(why)

    account = _account(entry, text, refuse, hints)
    _hint_holder(entry, katakana(text("kana")), hints)
    return account, problems, hints


def _hint_holder(entry: Mapping[str, Any], kana: str, hints: Problems) -> None:
    """Says when the account isn't under the person's own name; a corporation's never is."""
    holder = unicodedata.normalize("NFKC", str(entry.get("account_holder_kana") or "").strip())
    if entry.get("payee_class") != codes.PAYEE_CORPORATION and _other_holder(kana, holder):
        hints.setdefault("account_holder_kana", []).append(
            "口座名義が氏名カナと違います。本人名義の口座か、通帳で確かめてください。"
        )


def _activity(entry: Mapping[str, Any], text: Any, refuse: Any) -> dict[str, Any]:
    known = code_items(CodeItem.List.TOPIC, clock.today())
    topics = list(entry.get("topics") or [])
    industries = list(entry.get("industries") or [])
    if not topics:
        refuse("topics", "専門分野を1つ以上選んでください。")
    if any(topic not in known for topic in topics):
        refuse("topics", "一覧にない専門分野があります。選び直してください。")
    if any(industry not in INDUSTRIES for industry in industries):
        refuse("industries", "一覧にない業種があります。選び直してください。")
    latitude, longitude = text("base_latitude"), text("base_longitude")
    place: list[Decimal | None] = [None, None]
    if latitude or longitude:
        for index, (name, typed, (least, most)) in enumerate(
            (("base_latitude", latitude, _LATITUDES), ("base_longitude", longitude, _LONGITUDES))
        ):
            try:
                degrees = Decimal(normal_code(typed))
            except InvalidOperation:
                refuse(name, "緯度と経度は、両方を数字で入力するか、両方を空にしてください。例：35.681236")
                continue
            if not degrees.is_finite() or not least <= degrees <= most:
                refuse(name, f"国内の位置ではありません。{least}から{most}までの度で入力してください。")
            else:
                place[index] = degrees.quantize(Decimal("0.000001"))
    return {
        "topics": topics,
        "industries": industries,
        "base_latitude": place[0],
        "base_longitude": place[1],
    }


def _route(entry: Mapping[str, Any], kinds: Collection[str], text: Any, refuse: Any) -> dict[str, Any]:
    requirement = text("requirement")
    qualifications = list(entry.get("qualifications") or [])
    affiliated = [normal_code(code) for code in entry.get("affiliated_codes") or []]
    route = criteria.route_of(requirement)
    if any(_SEPARATOR in qualification for qualification in qualifications):
        refuse("qualifications", "資格の名前に「;」は使えません。資格ごとに分けて入力してください。")
    if route is None:
        refuse("requirement", "登録要件を選んでください。")
    else:
        if route.needs_qualification and not qualifications:
            refuse("qualifications", "「資格」で登録するときは、保有資格を1つ以上入力してください。")
        if route.needs_affiliation and not text("affiliated"):
            refuse("affiliated", "「教育研究」で登録するときは、所属する指導・教育機関を入力してください。")
        if route.years:
            years = criteria.years_since(text("practice_from"), clock.today())
            if years is None:
                refuse("practice_from", "経験を始めた年月を、過ぎた年月で入力してください。例：2011-04")
            elif years < route.years and not route.achievement_instead:
                refuse(
                    "practice_from",
                    f"「{route.name}」には{route.years}年以上の経験が要ります（入力では{years}年）。"
                    "年月を確かめるか、ほかの登録要件を選んでください。",
                )
            if not text("practice_text"):
                refuse("practice_text", "経歴（いつ、どこで、何をしたか）を入力してください。")
    for kind in criteria.certificates_needed(requirement):
        if kind not in kinds:
            label = Certificate.Kind(kind).label
            refuse(f"{CERTIFICATE}{kind}", f"{label}の写真または PDF を追加してください。")
    if affiliated:
        there = set(Institution.objects.filter(code__in=affiliated).values_list("code", flat=True))
        for code in affiliated:
            if code not in there:
                refuse("affiliated_codes", f"機関コード「{code}」の機関はありません。選び直してください。")
    return {
        "requirement": requirement,
        "qualifications": qualifications,
        "affiliated_codes": affiliated,
        "subsidised_labour": bool(entry.get("subsidised_labour")),
    }


def _account(entry: Mapping[str, Any], text: Any, refuse: Any, hints: Problems) -> EnteredAccount:
    rules = RuleBook()(clock.today())
    wo_allowed = rules is not None and rules.account_name_wo_allowed
    if entry.get("yucho"):
        account = check_yucho_account(
            kigo=text("yucho_kigo"),
            bango=text("yucho_bango"),
            holder_kana=text("account_holder_kana"),
            wo_allowed=wo_allowed,
        )
    else:
        account = check_account(
            bank_code=text("bank_code"),
            branch_code=text("branch_code"),
            account_type=text("account_type"),
            account_number=text("account_number"),
            holder_kana=text("account_holder_kana"),
            wo_allowed=wo_allowed,
        )
    for name, why in account.problems.items():
        refuse("yucho_kigo" if name == "yucho" else name, why)
    for name, why in account.hints.items():
        hints.setdefault("yucho_kigo" if name == "yucho" else name, []).append(why)
    return account


def _tax(values: dict[str, Any], refuse: Any) -> None:
    if values["payee_class"] not in codes.PAYEE_CLASSES:
        refuse("payee_class", "報酬を受け取る立場（源泉区分）を選んでください。")
    number = values["invoice_number"]
    if not number:
        return
    found = check_registration_number(number, values["payee_class"] == codes.PAYEE_CORPORATION)
    if found is RegistrationCheck.BAD_FORMAT:
        refuse(
            "invoice_number",
            "適格請求書発行事業者の登録番号は、T と13桁の数字です。ない場合は空にしてください。",
        )
    elif found is RegistrationCheck.BAD_CHECK_DIGIT:
        refuse("invoice_number", "登録番号の数字に誤りがあります。登録通知書と見比べてください。")


def _other_holder(kana: str, holder: str) -> bool:
    """Whether the holder's name doesn't hold every word of the person's own."""
    written = fold(holder).replace("ー", "")
    return bool(kana and holder) and not all(fold(word).replace("ー", "") in written for word in kana.split())
