"""What a request may change, how what was typed is judged, and how values are told in words.

Judged by the rules of a registration (`experts.registration.checking`): an account the bank file can't write is refused
while it is typed. Nothing is written here.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from core.banks.models import Bank, Branch
from core.errors import FieldErrors
from core.japan.industries import INDUSTRIES
from core.japan.prefectures import BY_CODE
from experts.models import Expert
from experts.registration.checking import check
from experts.registration.fields import BY_NAME
from experts.registration.models import Certificate

from .models import ChangeRequest

Kind = ChangeRequest.Kind
FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    Kind.ACCOUNT: ("bank_code", "branch_code", "account_type", "account_number", "account_holder_kana"),
    Kind.CONTACT: (
        "name", "kana", "prefecture_code", "address", "phone", "email", "base_latitude", "base_longitude",
    ),
    Kind.EXPERTISE: ("topics", "industries", "qualifications"),
    Kind.PAYEE: ("payee_class", "invoice_number"),
}  # fmt: skip
"""The fields of Expert that a kind of request changes."""

YUCHO: Final = ("yucho", "yucho_kigo", "yucho_bango")
SECRET: Final = frozenset({"account_number"})


def title_of(field: str) -> str:
    """What a field is called."""
    return BY_NAME[field].title


def values_of(expert: Expert, kind: str) -> dict[str, Any]:
    """The expert's values of a kind's fields, as a request keeps them."""
    return {name: _kept(getattr(expert, name)) for name in FIELDS[kind]}


def _kept(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    return list(value) if isinstance(value, list | tuple) else str(value)


def judged(
    expert: Expert, kind: str, entry: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """The values an entry comes to, and hints by field. Raises FieldErrors, or `nothing` beside the first field.

    Only the fields of the kind are judged: what is registered of the rest isn't this request's business.
    """
    names = FIELDS[kind]
    taken = {name: entry.get(name) for name in (*names, *(YUCHO if kind == Kind.ACCOUNT else ()))}
    whole = {name: _kept(getattr(expert, name)) for fields in FIELDS.values() for name in fields}
    whole |= {"requirement": expert.requirement} | taken
    checked = check(whole, set(Certificate.Kind.values))
    of_kind = {*names, *(YUCHO if kind == Kind.ACCOUNT else ())}
    problems = {name: " ".join(why) for name, why in checked.problems.items() if name in of_kind}
    if problems:
        raise FieldErrors(problems)
    values = {name: _kept(checked.values[name]) for name in names}
    if values == values_of(expert, kind):
        raise FieldErrors({names[0]: "登録されている内容と同じです。変更する項目を直してください。"})
    return values, {name: why for name, why in checked.hints.items() if name in of_kind}


def applied(values: Mapping[str, Any]) -> dict[str, Any]:
    """Kept values as the columns of Expert take them."""
    return {
        name: (Decimal(value) if value else None) if name in ("base_latitude", "base_longitude") else value
        for name, value in values.items()
    }


def in_words(values: Mapping[str, Any], *, whole: bool = False) -> dict[str, str]:
    """Values as people read them, codes with their names; the account number covered unless `whole`. Two queries."""
    words = {
        name: "、".join(value) if isinstance(value, list) else str(value) for name, value in values.items()
    }
    if "bank_code" in values:
        bank = Bank.objects.filter(code=values["bank_code"]).first()
        branch = Branch.objects.filter(bank=bank, code=values["branch_code"]).first() if bank else None
        words["bank_code"] = f"{values['bank_code']} {bank.name if bank else '（一覧にない銀行）'}"
        words["branch_code"] = f"{values['branch_code']} {branch.name if branch else '（一覧にない支店）'}"
        number = words["account_number"]
        words["account_number"] = number if whole else "*" * max(0, len(number) - 3) + number[-3:]
    if code := values.get("prefecture_code"):
        words["prefecture_code"] = BY_CODE[code].name if code in BY_CODE else code
    if "industries" in values:
        words["industries"] = "、".join(INDUSTRIES.get(code, code) for code in values["industries"])
    return words
