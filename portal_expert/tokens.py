"""Tokens for /api/v1/: made once, kept as a hash, revocable, always with an end."""

import datetime as dt
import hashlib
import secrets

from accounts.limits import sign_in_refusal
from accounts.models import User
from accounts.rights import require
from core import clock
from core.audit.acting import Actor, acting
from core.errors import DomainError
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
    text = PREFIX + secrets.token_urlsafe(32)
    with acting(actor, "issue_api_token"):
        token = ApiToken.objects.create(
            user=user,
            name=name.strip()[:100],
            token_hash=_hash(text),
            expires_at=clock.now() + dt.timedelta(days=days),
        )
    return token, text


def revoke_token(*, token: ApiToken, actor: Actor) -> None:
    """From now on the token opens nothing."""
    with acting(actor, "revoke_api_token"):
        ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=clock.now())


def holder_of(text: str, address: str) -> User | None:
    """Whose token this is, if it works now, from this address."""
    token = (
        ApiToken.objects.select_related("user")
        .filter(token_hash=_hash(text), revoked_at=None, expires_at__gt=clock.now(), user__is_active=True)
        .first()
    )
    if token is None or sign_in_refusal(token.user, address):
        return None
    return token.user
