"""よろず支援拠点登録フォーム: its fields, and what is wrong with what was typed. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from core.japan.text import normal_code, normal_digits

MOST_USERS: Final = 5


@dataclass(frozen=True, slots=True)
class Field:
    """One field of the form; `longest` in letters."""

    name: str
    title: str
    longest: int
    required: bool = True
    kind: str = "text"


_USERS = tuple(
    field
    for n in range(1, MOST_USERS + 1)
    for field in (
        Field(f"user_{n}_name", f"利用者{n}の氏名", 150, required=False),
        Field(f"user_{n}_email", f"利用者{n}のメールアドレス", 254, required=False, kind="email"),
    )
)
FIELDS: Final = (
    Field("operator_name", "実施機関名", 100),
    Field("address", "所在地", 500),
    Field("phone", "電話番号", 50, kind="phone"),
    Field("email", "機関のメールアドレス", 254, kind="email"),
    Field("chief_name", "責任者の氏名", 150),
    Field("chief_email", "責任者のメールアドレス", 254, kind="email"),
    *_USERS,
)
BY_NAME: Final[Mapping[str, Field]] = {field.name: field for field in FIELDS}


def taken(values: Mapping[str, object]) -> dict[str, str]:
    """The known fields of what was typed, cut to their lengths; anything typed is kept, right or wrong."""
    found = {}
    for field in FIELDS:
        value = values.get(field.name)
        if isinstance(value, str):
            # what a database can't keep, and what would hide in a list; as long as is still worth telling about
            plain = "".join(sign for sign in value if sign.isprintable())
            found[field.name] = plain[: field.longest + 1]
    return found


def normal(values: Mapping[str, str]) -> dict[str, str]:
    """Every field as it would be registered: trimmed, addresses and numbers in plain letters."""
    return {
        field.name: normal_code(values.get(field.name, ""))
        if field.kind in ("email", "phone")
        else values.get(field.name, "").strip()
        for field in FIELDS
    }


def check(values: Mapping[str, str]) -> dict[str, str]:
    """What stands against sending: field → sentence; {} for nothing. `values` as `normal` answers them."""
    bad = {field.name: why for field in FIELDS if (why := _fault(field, values[field.name]))}
    seen = {values["chief_email"].lower()}
    for n in range(1, MOST_USERS + 1):
        name, email = values[f"user_{n}_name"], values[f"user_{n}_email"]
        if email and not name:
            bad[f"user_{n}_name"] = f"利用者{n}の氏名を入力してください。"
        if name and not email:
            bad[f"user_{n}_email"] = (
                f"利用者{n}のメールアドレスを入力してください。IDの案内をメールで送ります。"
            )
        if email and email.lower() in seen:
            bad[f"user_{n}_email"] = "ほかの人と同じメールアドレスです。一人に一つのアドレスが要ります。"
        seen.add(email.lower())
    return bad


def _fault(field: Field, value: str) -> str:
    if not value:
        return f"{field.title}を入力してください。" if field.required else ""
    if len(value) > field.longest:
        return f"{field.title}は{field.longest:,}文字以内で入力してください。"
    if field.kind == "email":
        try:
            validate_email(value)
        except ValidationError:
            return "メールアドレスの形式が正しくありません。例：tanto@example.jp"
    if field.kind == "phone":
        digits = normal_digits(value)
        if not (digits.isdecimal() and 10 <= len(digits) <= 11):
            return "電話番号は、市外局番からの10桁または11桁の数字で入力してください。例：03-1234-5678"
    return ""


def users_of(values: Mapping[str, str]) -> list[tuple[str, str]]:
    """Name and address of everybody besides the chief."""
    pairs = ((values[f"user_{n}_name"], values[f"user_{n}_email"]) for n in range(1, MOST_USERS + 1))
    return [(name, email) for name, email in pairs if name]
