"""Development and demonstration: the project runs its own PostgreSQL and Redis unless told where others are."""

import contextlib
import os
import secrets

from core.database.addresses import from_environment
from core.secrets import new_key

from .base import *  # noqa: F403
from .base import CACHE_PATIENCE, STATIC_ROOT, VAR_DIR

DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1", "localhost", "[::1]", "testserver"]
ENVIRONMENT_LABEL = "デモ環境"
# demo_data may fill an empty database with an invented story
DEMO_DATA_ALLOWED = True
# mails land in VAR_DIR/mail and can be read on the screen
MAIL_READABLE = True
# the demonstration's people sign in with name and password; who enrols a second factor needs it, too
MFA_REQUIRED = os.environ.get("MFA_REQUIRED") == "1"

DATABASES, REDIS_URL, EMBEDDED_SERVERS = from_environment(VAR_DIR)

CELERY_BROKER_URL = REDIS_URL
CACHES = {
    "default": {"BACKEND": "core.web.cache.ForgetfulRedisCache", "LOCATION": REDIS_URL, **CACHE_PATIENCE}
}


def _kept_secret(name: str, fresh_value: str) -> str:
    """A secret of this installation's own, made once and kept in VAR_DIR."""
    path = VAR_DIR / name
    try:
        return path.read_text()
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f"{name}.{secrets.token_hex(4)}")
        fresh.touch(mode=0o600)
        fresh.write_text(fresh_value)
        with contextlib.suppress(FileExistsError):  # another process was first; its secret counts
            path.hardlink_to(fresh)
        fresh.unlink()
        return path.read_text()


SECRET_KEY = _kept_secret("secret_key", secrets.token_urlsafe(50))
# one key a line, newest first
FIELD_KEYS = _kept_secret("field_keys", new_key()).split()
FINGERPRINT_KEY = _kept_secret("fingerprint_key", new_key())
AUDIT_SIGNING_KEY = _kept_secret("audit_signing_key", new_key())

# served straight from static/; nothing has to be collected first
WHITENOISE_USE_FINDERS = True
STATIC_ROOT.mkdir(parents=True, exist_ok=True)
ALLOW_BATCH_CLOSE = True
