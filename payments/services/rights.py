"""Who may do what with runs (design.md §8): business roles make them, approvers approve; administrators neither."""

from typing import TYPE_CHECKING

from accounts.rights import require
from core.errors import NotAllowed

if TYPE_CHECKING:
    from accounts.models import User


def require_maker(user: "User") -> None:
    """Refuses a person who may not make runs."""
    require(user, "make_run")


def require_approver(user: "User") -> None:
    """Refuses a person who may not approve runs."""
    require(user, "approve_run")


def require_two_persons(maker: "User", checker: "User") -> None:
    """Refuses one person in both parts."""
    if maker.pk == checker.pk:
        raise NotAllowed(
            f"作成者と承認者が同じ {checker.get_full_name()} さんです。作成者とは別の承認者が承認してください。"
        )
