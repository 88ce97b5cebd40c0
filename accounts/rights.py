"""What a role may do, asked by services and screens alike. Answers (allowed, reason)."""

from typing import NamedTuple

from core.errors import NotAllowed

from .models import OFFICE_BUSINESS_ROLES, OFFICE_ROLES, Role, User


class Answer(NamedTuple):
    """Whether it is allowed and, when it is not, why not."""

    allowed: bool
    reason: str = ""


YES = Answer(True)

# act → who may, and what to tell the others (design.md §8)
_RIGHTS: dict[str, tuple[frozenset[Role], str]] = {
    "make_run": (OFFICE_BUSINESS_ROLES, "月次支払を作成できるのは、事務局の担当または承認者です。"),
    "approve_run": (frozenset({Role.OFFICE_APPROVER}), "月次支払を承認できるのは、事務局の承認者です。"),
    "load_data": (OFFICE_BUSINESS_ROLES, "データを取り込めるのは、事務局の担当または承認者です。"),
    "see_business": (OFFICE_BUSINESS_ROLES, "派遣と支払を閲覧できるのは、事務局の担当または承認者です。"),
    "edit_rules": (
        frozenset({Role.OFFICE_ADMIN}),
        "支出基準とコード一覧を変更できるのは、事務局の管理者です。",
    ),
    "manage_users": (frozenset({Role.OFFICE_ADMIN}), "利用者を管理できるのは、事務局の管理者です。"),
    "see_office": (OFFICE_ROLES, "事務局の画面は、事務局の利用者だけが使えます。"),
}


def may(user: User, act: str) -> Answer:
    """Whether the person may do this act, with the reason when not."""
    roles, refusal = _RIGHTS[act]
    if user.is_active and user.role in roles:
        return YES
    return Answer(False, refusal)


def require(user: User, act: str) -> None:
    """Raises NotAllowed with the reason when the person may not do this act."""
    allowed, reason = may(user, act)
    if not allowed:
        raise NotAllowed(reason)
