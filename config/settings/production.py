"""Production: every address and secret comes from outside; what is missing, weak or a sample stops the start.

docs/running.md names every variable. NAME_FILE may stand for NAME everywhere: a mounted secret file.
"""

import ipaddress
import os
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

from core.database.addresses import connection_settings
from core.secrets import BadKey, key_bytes, keyring

from .base import *  # noqa: F403
from .base import AUDIT_RETENTION_DAYS, CACHE_PATIENCE, CELERY_BEAT_SCHEDULE, VAR_DIR

# What people write where a secret should stand; no random value contains one of these.
_SAMPLE_WORDS = ("change", "example", "sample", "passw", "insecure", "secret", "dispatch")
_SHORTEST_KEY = 50
_SHORTEST_PASSWORD = 20
_SHORTEST_RETENTION = 31  # days of history (core/audit/retention.py)
_FEWEST_DIFFERENT_CHARACTERS = 10


def secret(name: str) -> str:
    """The value of NAME, or the content of the file named by NAME_FILE. Refuses when there is none."""
    path = os.environ.get(f"{name}_FILE")
    if path:
        try:
            value = Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ImproperlyConfigured(f"{name}_FILE のファイル {path} を読めません。") from error
    else:
        value = os.environ.get(name, "").strip()
    if not value:
        raise ImproperlyConfigured(f"{name} または {name}_FILE を設定してください。")
    return value


def refuse_weak(name: str, value: str, shortest: int) -> None:
    """Refuses what could be guessed or was copied from a document. The message never shows the value."""
    if len(value) < shortest or len(set(value)) < _FEWEST_DIFFERENT_CHARACTERS:
        raise ImproperlyConfigured(f"{name} は {shortest} 文字以上の乱数にしてください。")
    if any(word in value.lower() for word in _SAMPLE_WORDS):
        raise ImproperlyConfigured(f"{name} に見本の値が残っています。乱数に置き換えてください。")


def database(name: str) -> dict[str, Any]:
    """Django's settings for the address in NAME. Refuses a superuser and a weak password."""
    try:
        settings = connection_settings(secret(name), CONN_MAX_AGE=60, CONN_HEALTH_CHECKS=True)
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} は postgresql:// で始まる接続先にしてください。") from error
    if settings["USER"] in ("", "postgres"):
        raise ImproperlyConfigured(f"{name} には専用のロールを使ってください（postgres は使えません）。")
    refuse_weak(f"{name} のパスワード", settings["PASSWORD"], _SHORTEST_PASSWORD)
    return settings


def hosts(name: str) -> list[str]:
    """The host names in NAME, separated by commas. Refuses none, patterns, scheme and port."""
    names = [host.strip() for host in os.environ.get(name, "").split(",") if host.strip()]
    if not names:
        raise ImproperlyConfigured(f"{name} に公開するホスト名を設定してください。")
    for host in names:
        if host.startswith((".", "*")) or "/" in host or ":" in host:
            raise ImproperlyConfigured(
                f"{name} の「{host}」は使えません。https:// やポートのないホスト名にしてください。"
            )
    return names


def field_keys(name: str) -> list[str]:
    """The keys in NAME that encrypt single values, newest first, separated by commas or line breaks."""
    keys = secret(name).replace(",", " ").split()
    for key in keys:
        refuse_weak(name, key, _SHORTEST_PASSWORD)
    try:
        keyring(keys)
    except BadKey as error:
        raise ImproperlyConfigured(f"{name} の{error}") from None
    return keys


def fingerprint_key(name: str, others: list[str]) -> str:
    """The key in NAME for fingerprints of encrypted values. Refuses one that encrypts as well."""
    key = secret(name)
    refuse_weak(name, key, _SHORTEST_PASSWORD)
    try:
        key_bytes(key)
    except BadKey as error:
        raise ImproperlyConfigured(f"{name} の{error}") from None
    if key in others:
        raise ImproperlyConfigured(f"{name} には FIELD_KEYS とは別の鍵を使ってください。")
    return key


def networks(name: str) -> list[str]:
    """The networks in NAME, separated by commas: whose X-Forwarded-For is believed. None when it is not set."""
    given = [text.strip() for text in os.environ.get(name, "").split(",") if text.strip()]
    for text in given:
        try:
            network = ipaddress.ip_network(text)
        except ValueError:
            raise ImproperlyConfigured(f"{name} の「{text}」はネットワークではありません。") from None
        if network.prefixlen == 0:
            raise ImproperlyConfigured(
                f"{name} の「{text}」は、すべての接続元を信用することになるため使えません。"
            )
    return given


def seconds(name: str) -> int | None:
    """The number of seconds in NAME, or None when it is not set."""
    text = os.environ.get(name, "").strip()
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or int(text) == 0:
        raise ImproperlyConfigured(f"{name} は 1 以上の秒数にしてください。")
    return int(text)


DEBUG = False
DEMO_DATA_ALLOWED = False
SECRET_KEY = secret("SECRET_KEY")
refuse_weak("SECRET_KEY", SECRET_KEY, _SHORTEST_KEY)
FIELD_KEYS = field_keys("FIELD_KEYS")
FINGERPRINT_KEY = fingerprint_key("FINGERPRINT_KEY", FIELD_KEYS)
ALLOWED_HOSTS = hosts("ALLOWED_HOSTS")
TRUSTED_PROXIES = networks("TRUSTED_PROXIES")
CSRF_TRUSTED_ORIGINS = [f"https://{host}" for host in ALLOWED_HOSTS]
PUBLIC_ORIGIN = f"https://{ALLOWED_HOSTS[0]}"

DATABASES = {"default": database("DATABASE_URL")}
if _limit := seconds("DATABASE_STATEMENT_TIMEOUT"):
    # for the web process: no page may keep the database busy; jobs have no such limit
    _options = DATABASES["default"]["OPTIONS"]
    _options["options"] = f"{_options.get('options', '')} -c statement_timeout={_limit}s".strip()
if os.environ.get("DATABASE_OWNER_URL") or os.environ.get("DATABASE_OWNER_URL_FILE"):
    # only the container that runs `setup` is given the owner's address
    DATABASES["owner"] = database("DATABASE_OWNER_URL")
    if DATABASES["owner"]["USER"] == DATABASES["default"]["USER"]:
        raise ImproperlyConfigured("DATABASE_URL と DATABASE_OWNER_URL には別のロールを使ってください。")
    if _limit := seconds("DATABASE_LOCK_TIMEOUT"):
        # a change of structure that can't have its table gives up, instead of holding everybody up who comes after it
        _options = DATABASES["owner"]["OPTIONS"]
        _options["options"] = f"{_options.get('options', '')} -c lock_timeout={_limit}s".strip()
if os.environ.get("DATABASE_SEALER_URL") or os.environ.get("DATABASE_SEALER_URL_FILE"):
    # only the process that seals the history is given the sealer's address
    DATABASES["sealer"] = {**database("DATABASE_SEALER_URL"), "CONN_MAX_AGE": 0}
    if DATABASES["sealer"]["USER"] == DATABASES["default"]["USER"]:
        raise ImproperlyConfigured("DATABASE_URL と DATABASE_SEALER_URL には別のロールを使ってください。")
    AUDIT_SIGNING_KEY = " ".join(field_keys("AUDIT_SIGNING_KEY"))
# Sealing has a queue of its own: only the worker that holds the sealer's address takes from it.
CELERY_TASK_ROUTES = {
    "core.audit.tasks.seal_audit": {"queue": "seal"},
    "core.audit.tasks.keep_audit": {"queue": "seal"},
    # backups: only the worker that reaches their place and PostgreSQL's own programs takes from it
    "core.backup.tasks.*": {"queue": "backup"},
    "core.metrics.tasks.note_backups": {"queue": "backup"},
    # what must not wait behind a long job: mails, and the timers that keep everything else going
    "core.notify.tasks.*": {"queue": "quick"},
    "core.jobs.tasks.sweep_jobs": {"queue": "quick"},
    "core.jobs.tasks.note_heartbeat": {"queue": "quick"},
    "core.metrics.tasks.watch_system": {"queue": "quick"},
}
# A queue whose worker is away doesn't fill with the same question again and again.
for _timer in CELERY_BEAT_SCHEDULE.values():
    if isinstance(_timer["schedule"], float):
        _timer["options"] = {"expires": max(60.0, 2 * _timer["schedule"])}

if os.environ.get("DATABASE_BACKUP_URL") or os.environ.get("DATABASE_BACKUP_URL_FILE"):
    # only the process that makes the backups is given the address of the role that may replicate
    DATABASE_BACKUP_URL = secret("DATABASE_BACKUP_URL")
    if database("DATABASE_BACKUP_URL")["USER"] == DATABASES["default"]["USER"]:
        raise ImproperlyConfigured("DATABASE_URL と DATABASE_BACKUP_URL には別のロールを使ってください。")

if AUDIT_RETENTION_DAYS < _SHORTEST_RETENTION:
    raise ImproperlyConfigured(f"AUDIT_RETENTION_DAYS は {_SHORTEST_RETENTION} 以上にしてください。")

REDIS_URL = secret("REDIS_URL")
if urlsplit(REDIS_URL).scheme not in ("redis", "rediss", "unix"):
    raise ImproperlyConfigured("REDIS_URL は redis:// か rediss:// で始まる接続先にしてください。")
# Whoever may write to the cache may run code in our processes (the cache pickles): never without a password.
refuse_weak("REDIS_URL のパスワード", unquote(urlsplit(REDIS_URL).password or ""), _SHORTEST_PASSWORD)
EMBEDDED_SERVERS = False

# Mail leaves over verified TLS only. Without a server the mails wait, and the administrators are told.
MAIL_TRANSPORT = "core.notify.backend.VerifiedSmtpBackend"
EMAIL_HOST = os.environ.get("MAIL_HOST", "").strip()
EMAIL_PORT = int(os.environ.get("MAIL_PORT", "").strip() or 587)
EMAIL_USE_SSL = EMAIL_PORT == 465
EMAIL_USE_TLS = not EMAIL_USE_SSL
MAIL_CA_FILE = os.environ.get("MAIL_CA_FILE", "").strip()
if EMAIL_HOST:
    EMAIL_HOST_USER = os.environ.get("MAIL_USER", "").strip()
    if EMAIL_HOST_USER:
        EMAIL_HOST_PASSWORD = secret("MAIL_PASSWORD")
    DEFAULT_FROM_EMAIL = os.environ.get("MAIL_FROM", "").strip()
    MAIL_BOUNCE_ADDRESS = os.environ.get("MAIL_BOUNCE", "").strip()
    if "@" not in DEFAULT_FROM_EMAIL:
        raise ImproperlyConfigured("MAIL_FROM に差出人のメールアドレスを設定してください。")
CELERY_BROKER_URL = REDIS_URL
CACHES = {
    "default": {"BACKEND": "core.web.cache.ForgetfulRedisCache", "LOCATION": REDIS_URL, **CACHE_PATIENCE}
}

# The image brings its static files outside of VAR_DIR, which is a volume there.
STATIC_ROOT = Path(os.environ.get("STATIC_ROOT") or VAR_DIR / "static")
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

# The proxy sets this header itself on every request (deploy/nginx/nginx.conf), so nobody outside can.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_SSL_REDIRECT = True
SECURE_HSTS_SECONDS = 365 * 24 * 60 * 60
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
