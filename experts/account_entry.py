"""A bank account as a person types it: judged at entry by the rules that would hold its payment at month end.

Bank and branch are found by code or by name (however written), ゆうちょ 記号番号 become branch and account number, and the
holder's name is converted as the bank file converts it (rules.md §5 B01, B02). Nothing is written here.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, TypeVar

from core.banks.models import Bank, Branch
from core.japan.folding import fold
from core.japan.text import normal_code, normal_digits
from rules import codes, yucho
from rules.zengin.errors import ZenginError
from rules.zengin.name import account_name_problem, convert
from rules.zengin.record import PARTY_NAME_BYTES

_Row = TypeVar("_Row", Bank, Branch)

MOST: Final = 20
_MOST_NAMED: Final = 5
_NUMBER_DIGITS: Final = 7
# what the lists offer is written into the field whole, code first: 「0001 みずほ」
_CODE_AND_NAME: Final = re.compile("([0-9]{3,4}) +[^0-9 ].*")
_YUCHO_KINDS: Final = {
    yucho.ORDINARY: codes.ACCOUNT_ORDINARY,
    yucho.CURRENT: codes.ACCOUNT_CURRENT,
    yucho.SAVINGS: codes.ACCOUNT_SAVINGS,
}
# The master leaves out or shortens what people write in full.
_SHORT: Final = (("信用金庫", "信金"), ("信用組合", "信組"), ("労働金庫", "労金"), ("農業協同組合", "農協"))
_BANK_ENDINGS: Final = ("銀行",)
_BRANCH_ENDINGS: Final = ("支店", "支所")
# 農協 call themselves so; no name of the master begins with it
_BEFORE_BANKS: Final = "JA"


@dataclass(frozen=True, slots=True)
class EnteredAccount:
    """What the entry comes to. `problems`: field → what is wrong and what to do; an empty one means it can be paid to.

    `hints` say what to look at again without refusing. `holder_in_file` is the name as the bank reads it, "" when it can't.
    """

    bank_code: str = ""
    bank_name: str = ""
    branch_code: str = ""
    branch_name: str = ""
    account_type: str = ""
    # sealed where it is stored, and never part of a log line
    account_number: str = field(default="", repr=False)
    holder_in_file: str = field(default="", repr=False)
    problems: dict[str, str] = field(default_factory=dict, repr=False)
    hints: dict[str, str] = field(default_factory=dict, repr=False)

    @property
    def ok(self) -> bool:
        """Whether nothing stands against paying to it."""
        return not self.problems


def _wanted(text: str, endings: tuple[str, ...]) -> str:
    for long, short in _SHORT:
        text = text.replace(long, short)
    for ending in endings:
        if text.endswith(ending) and text != ending:
            text = text.removesuffix(ending)
    return fold(text)


def _matching(rows: Iterable[_Row], text: str, endings: tuple[str, ...]) -> list[_Row]:
    """Rows whose name or kana has the text; the same name first, then those that begin so, then by code."""
    wanted = _wanted(text, endings)
    if not wanted:
        return []
    found: list[tuple[int, str, _Row]] = []
    for row in rows:
        forms = (fold(row.name), fold(row.kana))
        if wanted in forms:
            found.append((0, row.code, row))
        elif any(form.startswith(wanted) for form in forms):
            found.append((1, row.code, row))
        elif any(wanted in form for form in forms):
            found.append((2, row.code, row))
    return [row for _, _, row in sorted(found, key=lambda hit: hit[:2])][:MOST]


def _code_or_name(text: str) -> str:
    """What was typed, and of 「0001 みずほ」 the code."""
    typed = normal_code(text)
    written = _CODE_AND_NAME.fullmatch(typed)
    return written[1] if written else typed


def _is_code(typed: str) -> bool:
    return not typed or (typed.isascii() and typed.isdecimal())


def find_banks(text: str) -> list[Bank]:
    """Banks with this code or with the text in their name or kana, the best first, at most `MOST`. One query.

    `text` may also be both, as `shown` writes them: 「0001 みずほ」.
    """
    typed = _code_or_name(text)
    if typed.isascii() and typed.isdecimal():
        return list(Bank.objects.filter(code__startswith=typed).order_by("code")[:MOST])
    typed = typed.removeprefix(_BEFORE_BANKS)
    return _matching(Bank.objects.all(), typed, _BANK_ENDINGS) if typed else []


def find_branches(bank_code: str, text: str) -> list[Branch]:
    """Branches of the bank with this code or with the text in their name or kana, the best first. One query."""
    typed = _code_or_name(text)
    of_bank = Branch.objects.filter(bank__code=bank_code)
    if typed.isascii() and typed.isdecimal():
        return list(of_bank.filter(code__startswith=typed).order_by("code")[:MOST])
    return _matching(of_bank, typed, _BRANCH_ENDINGS) if typed else []


def _one(found: list[_Row], typed: str, endings: tuple[str, ...]) -> _Row | None:
    """The one that is meant: of this code; or the only one of this name, or the only one with it in its name."""
    if _is_code(typed):
        return next((row for row in found if row.code == typed), None)
    wanted = _wanted(typed, endings)
    same = [row for row in found if wanted in (fold(row.name), fold(row.kana))]
    if same:
        return same[0] if len(same) == 1 else None
    return found[0] if len(found) == 1 else None


def meant_bank(text: str) -> Bank | None:
    """The bank a code or a name means; None when there is none, or several. One query."""
    typed = _code_or_name(text)
    return _one(find_banks(typed), typed, _BANK_ENDINGS) if typed else None


def shown(row: Bank | Branch) -> str:
    """How a bank or branch is written into its field: the code, then the name."""
    return f"{row.code} {row.name}"


def check_account(
    *,
    bank_code: str,
    branch_code: str,
    account_type: str,
    account_number: str,
    holder_kana: str,
    wo_allowed: bool = False,
) -> EnteredAccount:
    """Judges an account; bank and branch by code, by name, or as `shown` writes them.

    Two queries at most; `wo_allowed` is the rule set's `account_name_wo_allowed`.
    """
    bank_code, branch_code = _code_or_name(bank_code), _code_or_name(branch_code)
    number = normal_digits(account_number)
    problems: dict[str, str] = {}
    banks = find_banks(bank_code) if bank_code else []
    bank = _one(banks, bank_code, _BANK_ENDINGS)
    branches = find_branches(bank.code, branch_code) if bank and branch_code else []
    branch = _one(branches, branch_code, _BRANCH_ENDINGS)
    if bank is None:
        advice = "通帳やキャッシュカードの銀行名から探してください。"
        problems["bank_code"] = _missing("銀行", bank_code, advice, banks)
    elif branch is None:
        advice = "統廃合で変わった支店もあります。支店名から探してください。"
        problems["branch_code"] = _missing("支店", branch_code, advice, branches)
    if account_type not in codes.ACCOUNT_KINDS:
        problems["account_type"] = f"預金種目は、{'・'.join(codes.ACCOUNT_KINDS)}から選んでください。"
    if not (number.isascii() and number.isdecimal() and len(number) <= _NUMBER_DIGITS):
        problems["account_number"] = (
            f"口座番号は{_NUMBER_DIGITS}桁以内の数字です。通帳やキャッシュカードの番号を確かめてください。"
        )
        number = ""
    elif not number.strip("0"):
        problems["account_number"] = "口座番号が0だけです。通帳やキャッシュカードの番号を確かめてください。"
    holder = _holder(holder_kana, wo_allowed, problems)
    return EnteredAccount(
        bank_code=bank.code if bank else bank_code,
        bank_name=bank.name if bank else "",
        branch_code=branch.code if branch else branch_code,
        branch_name=branch.name if branch else "",
        account_type=account_type,
        account_number=number.zfill(_NUMBER_DIGITS) if number else "",
        holder_in_file=holder,
        problems=problems,
    )


def check_yucho_account(
    *,
    kigo: str,
    bango: str,
    holder_kana: str,
    naka: str = "",
    savings: bool = False,
    wo_allowed: bool = False,
) -> EnteredAccount:
    """Judges a ゆうちょ account given as 記号 and 番号; its branch and number are what other banks transfer to."""
    try:
        account = yucho.convert(normal_digits(kigo), normal_digits(bango), normal_digits(naka), savings)
    except yucho.YuchoError as error:
        problems = {"yucho": f"{error}。通帳の1ページ目の記号と番号を確かめてください。"}
        holder = _holder(holder_kana, wo_allowed, problems)
        return EnteredAccount(bank_code=yucho.BANK_CODE, holder_in_file=holder, problems=problems)
    entered = check_account(
        bank_code=account.bank,
        branch_code=account.branch,
        account_type=_YUCHO_KINDS[account.type],
        account_number=account.account,
        holder_kana=holder_kana,
        wo_allowed=wo_allowed,
    )
    if "branch_code" in entered.problems:
        # the person typed no branch: what is wrong is the 記号 it comes from
        del entered.problems["branch_code"]
        entered.problems["yucho"] = (
            f"この記号から決まる店番{account.branch}は、銀行の一覧にありません。"
            "通帳の1ページ目の記号と番号を確かめてください。"
        )
    if not account.check_ok:
        # The digit isn't official (rules.yucho): it may warn, never refuse.
        entered.hints["yucho"] = (
            "記号と番号の組み合わせに打ち間違いがあるかもしれません。通帳と見比べてください。"
        )
    return entered


def _missing(what: str, typed: str, advice: str, found: list[_Row]) -> str:
    if not typed:
        return f"{what}を選んでください。{advice}"
    if _is_code(typed):
        return f"{what}コード「{typed}」は銀行の一覧にありません。{advice}"
    if not found:
        return f"「{typed}」という{what}は一覧にありません。{advice}"
    named = "、".join(shown(row) for row in found[:_MOST_NAMED])
    more = "など" if len(found) > _MOST_NAMED else ""
    return f"「{typed}」に当てはまる{what}がいくつかあります（{named}{more}）。コードか、正しい名前を入力してください。"


def _holder(kana: str, wo_allowed: bool, problems: dict[str, str]) -> str:
    """The holder's name as the file writes it; a refusal goes into `problems` (rules.md §5 B02)."""
    problem = account_name_problem(kana, PARTY_NAME_BYTES, wo_allowed)
    if problem is not None:
        problems["account_holder_kana"] = (
            f"{problem}。通帳の見開きにあるカナの名義を、そのまま入力してください。"
        )
    try:
        return convert(kana, wo_allowed=wo_allowed) if problem is None else ""
    except ZenginError:
        return ""
