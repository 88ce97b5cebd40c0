"""Tokens for /api/v1/: made once, kept as a hash, revocable, always with an end."""

import datetime as dt
import hashlib
import secrets

from django.db import connection

from accounts.limits import sign_in_refusal
from accounts.models import RoleNetworks, User
from accounts.rights import require
from core import clock
from core.audit.acting import Actor, acting
from core.database.rows import Rows
from core.errors import DomainError
from core.notify.services import queue_mail
from portal_expert.models import ApiToken

PREFIX = "dsp_"
LONGEST_DAYS = 365


def _hash(token: str) -> str:
    # 256 random bits need no slow hash
    return hashlib.sha256(token.encode()).hexdigest()


def issue_token(*, user: User, name: str, days: int, actor: Actor) -> tuple[ApiToken, str]:
    """A new token of this person for 1 to 365 days, and its text, which is shown this once."""
    require(user, "send_check_events")
    if not 1 <= days <= LONGEST_DAYS:
        raise DomainError(f"有効日数は1から{LONGEST_DAYS}の間で指定してください。")
    if not name.strip():
        raise DomainError("トークンの名前を入力してください。")
    name = name.strip()[:100]
    alive = ApiToken.objects.filter(user=user, name=name, revoked_at=None, expires_at__gt=clock.now())
    if alive.exists():
        raise DomainError(
            f"「{name}」という名前の有効なトークンがあります。別の名前にするか、先に失効させてください。"
        )
    text = PREFIX + secrets.token_urlsafe(32)
    with acting(actor, "issue_api_token"):
        token = ApiToken.objects.create(
            user=user,
            name=name,
            token_hash=_hash(text),
            expires_at=clock.now() + dt.timedelta(days=days),
        )
    return token, text


def revoke_token(*, token: ApiToken, actor: Actor, reason: str = "") -> None:
    """From now on the token opens nothing. One's own, or anybody's for an administrator, with a reason.

    The holder is told by mail when somebody else did it. ApiToken.DoesNotExist for whom may not see it.
    """
    if isinstance(actor, User):
        require(actor, "revoke_api_token")
        if not ApiToken.objects.visible_to(actor).filter(pk=token.pk).exists():
            raise ApiToken.DoesNotExist
    reason = " ".join(reason.split())
    others = isinstance(actor, User) and actor.pk != token.user_id
    if others and not reason:
        raise DomainError("失効させる理由を入力してください。", code="reason")
    with acting(actor, "revoke_api_token", reason):
        revoked = ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=clock.now())
        holder = User.objects.get(pk=token.user_id)
        if revoked and others and holder.is_active and holder.email:
            queue_mail(
                to=holder.email,
                template="task",
                context={
                    "name": holder.get_full_name(),
                    "title": f"APIトークン「{token.name}」を事務局が失効させました",
                    "note": f"理由：{reason}。続けて使うときは、新しいトークンを発行してください。",
                    "path": "/expert/tokens/",
                },
                key=f"api-token-revoked:{token.pk}",
                actor=actor,
            )


# Asked with every request of a phone: one short statement instead of two that are built anew each time.
_USERS = Rows(User)
_HOLDER = f"""
SELECT {_USERS.columns("u")}, n.networks
  FROM {ApiToken._meta.db_table} t
  JOIN {User._meta.db_table} u ON u.id = t.user_id AND u.is_active
  LEFT JOIN {RoleNetworks._meta.db_table} n ON n.role = u.role
 WHERE t.token_hash = %s AND t.revoked_at IS NULL AND t.expires_at > %s
"""  # noqa: S608 names of our own columns


def holder_of(text: str, address: str) -> User | None:
    """Whose token this is, if it works now, from this address. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_HOLDER, [_hash(text), clock.now()])
        row = cursor.fetchone()
    if row is None:
        return None
    user = _USERS.record(row[:-1])
    return None if sign_in_refusal(user, address, row[-1] or []) else user
