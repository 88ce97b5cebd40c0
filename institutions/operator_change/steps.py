"""What every act on a change of operator shares: the locked row, whether somebody was faster, links."""

import datetime as dt
import hashlib
import secrets
from dataclasses import dataclass
from typing import Any, Final

from core import clock
from core.audit.acting import System
from core.errors import DomainError
from institutions.models import OperatorChange

State = OperatorChange.State
LINK_DAYS: Final = 30
ENTERING: Final = (State.FILLING, State.RETURNED)


class LinkUnusable(DomainError):
    """Wrong, used, expired and replaced links get the same answer."""

    def __init__(self) -> None:
        super().__init__(
            "このリンクは使えません。期限が過ぎたか、新しいリンクが送られたか、手続きが終わっています。"
            "最も新しいメールのリンクを開くか、事務局へ、登録フォームの再送を依頼してください。"
            "保存した入力は残っています。",
            code="link",
        )


@dataclass(frozen=True)
class NewOperator(System):
    """Whoever has the form's link and no account yet, as the history names them."""

    name: str = "新実施機関"

    @classmethod
    def of(cls, change: OperatorChange) -> "NewOperator":
        """Named with the change."""
        return cls(f"新実施機関（{change.number}）")


def hash_of(token: str) -> str:
    """How a token is kept."""
    return hashlib.sha256(token.encode()).hexdigest()


def fresh_link() -> tuple[str, dict[str, Any]]:
    """A new token, and what the change keeps of it."""
    token = secrets.token_urlsafe(32)
    return token, {"token_hash": hash_of(token), "expires_at": clock.now() + dt.timedelta(days=LINK_DAYS)}


def locked(change: OperatorChange, version: int | None = None) -> OperatorChange:
    """The change as it is now, locked; DomainError when it is no longer the `version` that the page showed."""
    row = (
        OperatorChange.objects.select_for_update(of=("self",))
        .select_related("former", "typed")
        .get(pk=change.pk)
    )
    if version is not None and row.version != version:
        raise DomainError(
            f"{row.number} は、開いた後に変わりました（いまは「{row.get_state_display()}」）。"
            "最新の内容を確認して、もう一度行ってください。",
            code="stale",
        )
    return row


def locked_by_operator(change: OperatorChange) -> OperatorChange:
    """The same for whoever has the link. Raises LinkUnusable when that link is no longer the one, or has run out."""
    row = locked(change)
    alive = row.token_hash and row.expires_at is not None and row.expires_at > clock.now()
    if not alive or row.token_hash != change.token_hash:
        raise LinkUnusable
    return row


def require_state(row: OperatorChange, states: tuple[State, ...], doing: str) -> None:
    """Refuses an act that isn't for a change standing there."""
    if row.state not in states:
        wanted = "・".join(state.label for state in states)
        raise DomainError(
            f"{row.number} は「{row.get_state_display()}」のため、{doing}できません。"
            f"{doing}できるのは「{wanted}」のときです。画面を開き直してください。",
            code="state",
        )


def put(row: OperatorChange, **values: Any) -> OperatorChange:
    """Sets and saves some fields of a locked row, which is then another version."""
    for name, value in values.items():
        setattr(row, name, value)
    row.version += 1
    row.save(update_fields=[*values, "version"])
    return row
