"""Two entries of one person in the register become one: which goes on, with which values, and which ends (ADR 0027).

Nothing that points at the double is rewritten: dispatches, payments and notices keep the payee they had. The double's
registration and account end, and it names the one that goes on; both histories stay readable.
"""

import datetime as dt
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from accounts.rights import require
from accounts.services import stop_user
from core import clock
from core.audit.acting import acting
from core.errors import DomainError
from core.japan.industries import industry_name
from core.japan.prefectures import BY_CODE

from .models import Expert, Merge

if TYPE_CHECKING:
    from accounts.models import User

ACT: Final = "merge_experts"
LONGEST_REASON: Final = 200
CHOICES: Final = {
    "name": ("氏名・カナ", ("name", "kana")),
    "address": ("住所", ("prefecture_code", "address")),
    "phone": ("電話番号", ("phone",)),
    "email": ("メールアドレス", ("email",)),
    "requirement": ("登録要件", ("requirement",)),
    "qualifications": ("保有資格", ("qualifications",)),
    "topics": ("専門分野", ("topics",)),
    "industries": ("得意業種", ("industries",)),
    "base": ("活動拠点", ("base_latitude", "base_longitude")),
    "recommended_by": ("推薦機関", ("recommended_by",)),
}
"""What can be chosen from either: name of the choice → its title and the fields that go together.

Not the bank account and tax, which change by two persons alone (experts.changes). Affiliations and subsidised labour are
never chosen: what stands in either entry is true of the person, and may forbid a payment.
"""

# Of the entry that goes on and of its double: why they can't become one now, as a sentence; "" when they can.
Obstacle = Callable[[Expert, Expert], str]
_OBSTACLES: list[Obstacle] = []


def merge_obstacle(find: Obstacle) -> Obstacle:
    """Registers a question of a layer above about (kept, double)."""
    _OBSTACLES.append(find)
    return find


def obstacles(kept: Expert, double: Expert) -> list[str]:
    """Why two entries can't become one now, as sentences; one query per registered question."""
    return [why for why in (find(kept, double) for find in _OBSTACLES) if why]


@dataclass(frozen=True, slots=True)
class Choice:
    """One line of the comparison: what the choice is called and what either entry says, ready for the page."""

    name: str
    title: str
    kept: str
    double: str

    @property
    def differs(self) -> bool:
        """Whether there is anything to choose."""
        return self.kept != self.double


def comparison(kept: Expert, double: Expert) -> list[Choice]:
    """Both entries side by side. `recommended_by` must be loaded."""
    return [
        Choice(name, title, _shown(kept, fields), _shown(double, fields))
        for name, (title, fields) in CHOICES.items()
    ]


def _shown(expert: Expert, fields: Collection[str]) -> str:
    values = []
    for field in fields:
        value = getattr(expert, field)
        if field == "industries":
            value = "、".join(industry_name(letter) for letter in value)
        elif field == "prefecture_code":
            value = BY_CODE[value].name if value in BY_CODE else value
        elif isinstance(value, list):
            value = "、".join(value)
        elif field == "recommended_by":
            value = value.name
        values.append("" if value is None else str(value))
    return "　".join(value for value in values if value)


def seen_token(kept: Expert, double: Expert) -> str:
    """Which versions of the two a page shows; goes back with the act (`seen`)."""
    return "/".join(each.updated_at.astimezone(dt.UTC).isoformat() for each in (kept, double))


def merge_experts(
    *, kept: Expert, double: Expert, take: Collection[str], reason: str, actor: "User", seen: str = ""
) -> Merge:
    """Ends `double` as the same person as `kept`. `take`: names of CHOICES whose value comes from the double.

    The double's registration ended yesterday at the latest, its account is stopped. Refuses the same entry twice, one
    that was merged already, what is still open (`obstacles`), a stale page, an empty reason.
    """
    require(actor, ACT)
    reason = " ".join(reason.split())
    if not reason or len(reason) > LONGEST_REASON:
        raise DomainError(f"統合の理由を、{LONGEST_REASON}文字以内で入力してください。", code="reason")
    if unknown := set(take) - set(CHOICES):
        raise DomainError(
            f"選べない項目があります（{'、'.join(sorted(unknown))}）。画面を開き直してください。", code="take"
        )
    if kept.pk == double.pk:
        raise DomainError(
            "同じ登録どうしは統合できません。もう一方の専門家コードを入力してください。", code="same"
        )
    with acting(actor, ACT, reason):
        # in one order, so that two merges of the same pair wait for each other instead of both failing
        rows = {
            row.pk: row
            for row in Expert.objects.select_for_update(of=("self",))
            .select_related("user", "recommended_by")
            .filter(pk__in=(kept.pk, double.pk))
            .order_by("pk")
        }
        stays, ends = rows[kept.pk], rows[double.pk]
        for row in (stays, ends):
            if merge := Merge.objects.select_related("kept").filter(double=row).first():
                raise DomainError(
                    f"{row.code} は、既に {merge.kept.code} に統合されています。"
                    f"続いている登録（{merge.kept.code}）の画面を開いてください。",
                    code="merged",
                )
        if seen and seen != seen_token(stays, ends):
            raise DomainError(
                "画面を開いた後に、どちらかの登録内容が変わりました。最新の内容を確かめて、もう一度統合してください。",
                code="stale",
            )
        if found := obstacles(stays, ends):
            raise DomainError(" ".join(found), code="obstacle")
        changed = _take_over(stays, ends, take)
        stays.save(update_fields=[*changed, "updated_at"])
        yesterday = clock.today() - dt.timedelta(days=1)
        ends.valid_until = min(ends.valid_until or yesterday, yesterday)
        ends.ended_reason = f"同じ人のため {stays.code} に統合"
        ends.save(update_fields=["valid_until", "ended_reason", "updated_at"])
        if ends.user is not None and ends.user.is_active:
            stop_user(user=ends.user, actor=actor, reason=f"二重登録の統合（{stays.code}）")
        return Merge.objects.create(
            double=ends, kept=stays, taken=sorted(take), reason=reason, by=actor, at=clock.now()
        )


def _take_over(stays: Expert, ends: Expert, take: Collection[str]) -> list[str]:
    """Sets what was chosen from the double, and what is true of the person whichever entry says it."""
    changed = [field for name in take for field in CHOICES[name][1]]
    for field in changed:
        setattr(stays, field, getattr(ends, field))
    more = [code for code in ends.affiliated_codes if code not in stays.affiliated_codes]
    stays.affiliated_codes = [*stays.affiliated_codes, *more]
    stays.subsidised_labour = stays.subsidised_labour or ends.subsidised_labour
    return [*changed, "affiliated_codes", "subsidised_labour"]


def kept_of(expert: Expert) -> Expert:
    """The entry under which the person is registered now: the end of the chain of merges; itself when it is none."""
    while merge := Merge.objects.select_related("kept").filter(double=expert).first():
        expert = merge.kept
    return expert
