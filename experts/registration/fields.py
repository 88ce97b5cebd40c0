"""What a person enters to be registered: the fields, what they are called, and who of those who check sees them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from .models import Certificate

CERTIFICATE: Final = "certificate:"
"""How a kind of certificate is named among the fields that are sent back: `certificate:資格証明書`."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of the entry. `several`: a list of texts; `flag`: yes or no; `longest`: letters of one value.

    `office_only`: the recommending institution doesn't see it (bank account and tax: accounts/permissions.csv).
    `judged`: the criteria are judged by it, so that a change is the institution's to check again.
    """

    name: str
    title: str
    group: str
    longest: int = 200
    several: bool = False
    flag: bool = False
    office_only: bool = False
    judged: bool = False


PERSON: Final = "本人"
ACTIVITY: Final = "活動"
ROUTE: Final = "登録要件"
AFFILIATION: Final = "所属"
PAYMENT: Final = "支払"

FIELDS: Final = (
    Field("name", "氏名", PERSON),
    Field("kana", "氏名カナ", PERSON),
    Field("prefecture_code", "都道府県", PERSON, 2),
    Field("address", "住所", PERSON, 500),
    Field("phone", "電話番号", PERSON, 50),
    Field("email", "メールアドレス", PERSON, 254),
    Field("base_address", "活動拠点の住所", ACTIVITY, 500),
    Field("base_latitude", "活動拠点の緯度", ACTIVITY, 30),
    Field("base_longitude", "活動拠点の経度", ACTIVITY, 30),
    Field("topics", "専門分野", ACTIVITY, several=True),
    Field("industries", "得意業種", ACTIVITY, 1, several=True),
    Field("qualifications", "保有資格", ROUTE, several=True, judged=True),
    Field("requirement", "登録要件", ROUTE, 10, judged=True),
    Field("practice_from", "経験の開始年月", ROUTE, 10, judged=True),
    Field("practice_text", "経歴", ROUTE, 4_000, judged=True),
    Field("affiliated", "所属先", AFFILIATION, judged=True),
    Field("affiliated_codes", "所属する派遣可能機関", AFFILIATION, 64, several=True, judged=True),
    Field("subsidised_labour", "人件費への補助", AFFILIATION, flag=True),
    Field("payee_class", "源泉区分", PAYMENT, 10, office_only=True),
    Field("invoice_number", "適格請求書番号", PAYMENT, 20, office_only=True),
    Field("yucho", "ゆうちょ銀行の記号・番号で入力", PAYMENT, flag=True, office_only=True),
    Field("yucho_kigo", "ゆうちょ銀行の記号", PAYMENT, 20, office_only=True),
    Field("yucho_bango", "ゆうちょ銀行の番号", PAYMENT, 20, office_only=True),
    Field("bank_code", "銀行", PAYMENT, 60, office_only=True),
    Field("branch_code", "支店", PAYMENT, 60, office_only=True),
    Field("account_type", "預金種目", PAYMENT, 2, office_only=True),
    Field("account_number", "口座番号", PAYMENT, 20, office_only=True),
    Field("account_holder_kana", "口座名義（カナ）", PAYMENT, 200, office_only=True),
)
BY_NAME: Final[Mapping[str, Field]] = {field.name: field for field in FIELDS}
MOST_ITEMS: Final = 50

RETURNABLE: Final[Mapping[str, str]] = {
    **{field.name: field.title for field in FIELDS if field.name != "yucho"},
    **{f"{CERTIFICATE}{kind.value}": kind.label for kind in Certificate.Kind},
}
"""What can be sent back, with its title."""

OFFICE_ONLY: Final = frozenset(
    {field.name for field in FIELDS if field.office_only} | {f"{CERTIFICATE}{Certificate.Kind.BANK}"}
)


def title_of(field: str) -> str:
    """What a field, or `certificate:<kind>`, is called."""
    return RETURNABLE.get(field) or BY_NAME[field].title


def taken(entry: Mapping[str, Any]) -> dict[str, Any]:
    """The known fields of what was typed, each in its own shape and cut to its length; nothing else is kept.

    Anything typed is taken, right or wrong: whether it can be registered, `checking` says.
    """
    found: dict[str, Any] = {}
    for field in FIELDS:
        if field.name not in entry:
            continue
        value = entry[field.name]
        if field.several:
            values = value if isinstance(value, list | tuple) else [value]
            texts = (_plain(item, field.longest) for item in values[:MOST_ITEMS])
            found[field.name] = list(dict.fromkeys(text.strip() for text in texts if text.strip()))
        elif field.flag:
            found[field.name] = value in (True, "on", "1", "true", "True")
        else:
            found[field.name] = _plain(value, field.longest)
    return found


def _plain(value: Any, longest: int) -> str:
    text = "" if value is None else str(value)
    # what a database can't keep, and what would hide in a list
    return "".join(sign for sign in text if sign.isprintable() or sign in "\n\r\t　")[:longest]
