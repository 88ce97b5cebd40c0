"""What the account fields are answered while they are typed (templates/components/account_entry.html).

The same for a signed-in expert and for a person with a registration link: each surface's view makes sure of who asks and
calls `answer_account`. Nothing is written, kept or logged; what was typed comes by POST alone, never in an address.
"""

from collections.abc import Mapping
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest, JsonResponse

from core.banks.models import Bank, Branch
from core.web.pace import within_pace
from experts.account_entry import find_banks, find_branches, meant_bank, shown
from experts.registration.checking import judge_account

FIELDS: Final = (
    "yucho", "yucho_kigo", "yucho_bango",
    "bank_code", "branch_code", "account_type", "account_number", "account_holder_kana",
)  # fmt: skip
_LONGEST: Final = 200
_PERIOD_SECONDS: Final = 600


def answer_account(request: HttpRequest, *, who: str, person: Mapping[str, Any]) -> JsonResponse:
    """The answer to one question of the fields; the caller has made sure of the person and takes POST alone.

    `who` is whose questions are counted (settings.ACCOUNT_QUESTIONS in ten minutes, then 429). `person`: `kana` and
    `payee_class`, with which the holder is compared; may be empty.

    POST `seek=bank|branch`: {"options": [{code, name, kana, text}], "message"}: what fits the text of the field.
    POST without: {"problems": {field: [sentence]}, "hints": …, "bank", "branch": text for their fields or "",
    "account": [{title, words}] as it would be paid to, "ok"}.
    """
    if not within_pace("account", who, most=settings.ACCOUNT_QUESTIONS, seconds=_PERIOD_SECONDS):
        words = "短い時間に何度も調べたため、入力中の確認を休んでいます。入力と送信はこのままできます。"
        return JsonResponse({"message": words}, status=429)
    entry: dict[str, Any] = {name: request.POST.get(name, "")[:_LONGEST] for name in FIELDS}
    match request.POST.get("seek"):
        case "bank":
            return _options(find_banks(entry["bank_code"]), "銀行", entry["bank_code"])
        case "branch":
            bank = meant_bank(entry["bank_code"])
            if bank is None:
                return JsonResponse({"options": [], "message": "先に銀行を選んでください。"})
            return _options(find_branches(bank.code, entry["branch_code"]), "支店", entry["branch_code"])
    return _judged({**person, **entry})


def _options(found: list[Bank] | list[Branch], what: str, typed: str) -> JsonResponse:
    options = [{"code": row.code, "name": row.name, "kana": row.kana, "text": shown(row)} for row in found]
    words = "" if found or not typed.strip() else f"当てはまる{what}がありません。"
    return JsonResponse({"options": options, "message": words})


def _judged(entry: Mapping[str, Any]) -> JsonResponse:
    account, problems, hints = judge_account(entry)
    bank = f"{account.bank_code} {account.bank_name}" if account.bank_name else ""
    branch = f"{account.branch_code} {account.branch_name}" if account.branch_name else ""
    rows = (
        ("銀行", bank),
        ("支店", branch),
        ("預金種目", "" if "account_type" in problems else account.account_type),
        ("口座番号", account.account_number),
        ("銀行に届く名義", account.holder_in_file),
    )
    return JsonResponse(
        {
            "problems": problems,
            "hints": hints,
            "bank": bank,
            "branch": branch,
            "account": [{"title": title, "words": words} for title, words in rows if words],
            "ok": not problems,
        }
    )
