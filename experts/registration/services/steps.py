"""What every act on a registration shares: who may, the locked row, the step, whether somebody was faster."""

import datetime as dt
import hashlib
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from accounts.rights import Reach, reach, require
from core import clock
from core.audit.acting import Actor, System
from core.errors import DomainError

from ..criteria import terms_on
from ..models import Entry, Registration
from ..states import State, leads

if TYPE_CHECKING:
    from accounts.models import User

Side = Registration.Side


class LinkUnusable(DomainError):
    """Wrong, used, expired and replaced links get the same answer: nobody learns whether there is a person."""

    def __init__(self) -> None:
        super().__init__(
            "このリンクは使えません。期限が過ぎたか、新しいリンクが送られたか、手続きが終わっています。"
            "最も新しいメールのリンクを開くか、推薦を受けた機関へ、登録案内の再送を依頼してください。"
            "入力した内容は残っています。登録が済んでいる方は、ログインしてご利用ください。",
            code="link",
        )


class StaleRegistration(DomainError):
    """Somebody did something with the registration after the page was opened."""

    def __init__(self, row: Registration) -> None:
        super().__init__(
            f"{row.number} は、開いた後に変わりました（いまは「{row.get_state_display()}」）。"
            "最新の内容を確認して、もう一度行ってください。",
            code="stale",
        )


@dataclass(frozen=True)
class Candidate(System):
    """The person who registers and has no account yet, as the history names it."""

    name: str = "登録希望者"

    @classmethod
    def of(cls, registration: Registration) -> "Candidate":
        """Named with the registration, which stands for the person."""
        return cls(f"登録希望者（{registration.number}）")


def hash_of(token: str) -> str:
    """How a token is kept."""
    return hashlib.sha256(token.encode()).hexdigest()


def seen_token(row: Registration) -> str:
    """Which version of a registration a page shows; goes back with the act (`seen`)."""
    return f"{row.updated_at.astimezone(dt.UTC).isoformat()}/{row.entry_revision}"


def locked(registration: Registration, actor: Actor, act: str, seen: str = "") -> Registration:
    """The registration as it is now, locked until the end of the transaction; only for those who may act on it.

    Raises NotAllowed without the right, Registration.DoesNotExist for others' records, StaleRegistration when it is
    no longer what `seen` (`seen_token`) stands for.
    """
    user = None if isinstance(actor, System) else cast("User", actor)
    if user is not None:
        require(user, act)
    row = _lock(registration)
    if user is not None and not Registration.objects.visible_to(user).filter(pk=row.pk).exists():
        raise Registration.DoesNotExist
    if seen and seen != seen_token(row):
        raise StaleRegistration(row)
    return row


def locked_by_person(registration: Registration) -> Registration:
    """The same for the person with the link. Raises LinkUnusable when that link is no longer the one, or has run out."""
    row = _lock(registration)
    if not row.token_hash or row.token_hash != registration.token_hash or row.expires_at <= clock.now():
        raise LinkUnusable
    return row


def _lock(registration: Registration) -> Registration:
    rows = Registration.objects.select_for_update(of=("self",)).select_related(
        "institution", "recommended_by"
    )
    row = rows.get(pk=registration.pk)
    # read only now: joined to the lock, it would be what stood there before the wait
    typed = Entry.objects.filter(registration=row).first()
    if typed is not None:
        row.typed = typed
    return row


def require_state(row: Registration, states: tuple[State, ...], doing: str) -> None:
    """Refuses an act that isn't for a registration standing there."""
    if row.state not in states:
        wanted = "・".join(state.label for state in states)
        raise DomainError(
            f"{row.number} は「{row.get_state_display()}」のため、{doing}できません。"
            f"{doing}できるのは「{wanted}」のときです。画面を開き直してください。",
            code="state",
        )


def side_of(actor: Actor) -> str:
    """On which side a person checks."""
    far = reach(actor, "return_registration")  # type: ignore[arg-type]
    return Side.OFFICE if far is Reach.ALL else Side.INSTITUTION


def somebody(actor: Actor) -> "User":
    """The actor for a column that must name a person; refuses the system."""
    if isinstance(actor, System):
        raise DomainError("この操作は、人が行う必要があります。")
    return actor  # type: ignore[return-value]


def step(row: Registration, act: str, target: State, **values: Any) -> Registration:
    """Takes a locked registration to the next state and sets what comes with it."""
    if not leads(row.state, act, target):
        raise ValueError(f"{act} doesn't lead from {row.state} to {target}")
    return change(row, state=target, state_since=clock.now(), **values)


def change(row: Registration, **values: Any) -> Registration:
    """Sets and saves some fields of a locked row."""
    for name, value in values.items():
        setattr(row, name, value)
    row.save(update_fields=[*values, "updated_at"])
    return row


def fresh_link() -> tuple[str, dict[str, Any]]:
    """A new token and what the registration keeps of it: hash, since when, until when."""
    token = secrets.token_urlsafe(32)
    now = clock.now()
    # to the end of a day, as mails and pages say it
    last = now.date() + dt.timedelta(days=terms_on(now.date()).link_days)
    until = clock.from_jst(dt.datetime.combine(last, dt.time(23, 59)))
    return token, {"token_hash": hash_of(token), "invited_at": now, "expires_at": until}
