"""Production: every address and secret comes from outside; what is missing or weak stops the start."""

import os
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from core.database.addresses import connection_settings

from .base import *  # noqa: F403


def secret(name: str) -> str:
    """The value of NAME, or the content of the file named by NAME_FILE (a mounted secret)."""
    path = os.environ.get(f"{name}_FILE")
    value = Path(path).read_text().strip() if path else os.environ.get(name, "")
    if not value:
        raise ImproperlyConfigured(f"{name} または {name}_FILE を設定してください。")
    return value


SECRET_KEY = secret("SECRET_KEY")
if len(SECRET_KEY) < 50 or len(set(SECRET_KEY)) < 10:
    raise ImproperlyConfigured("SECRET_KEY は 50 文字以上の乱数にしてください。")

DEBUG = False
ALLOWED_HOSTS = [host for host in os.environ.get("ALLOWED_HOSTS", "").split(",") if host]
if not ALLOWED_HOSTS:
    raise ImproperlyConfigured("ALLOWED_HOSTS に公開するホスト名を設定してください。")
CSRF_TRUSTED_ORIGINS = [f"https://{host}" for host in ALLOWED_HOSTS]

_app_url = secret("DATABASE_URL")
DATABASES = {"default": connection_settings(_app_url, CONN_MAX_AGE=60)}
if os.environ.get("DATABASE_OWNER_URL") or os.environ.get("DATABASE_OWNER_URL_FILE"):
    # only the container that runs `setup` is given the owner's address
    DATABASES["owner"] = connection_settings(secret("DATABASE_OWNER_URL"))
    if DATABASES["owner"]["USER"] == DATABASES["default"]["USER"]:
        raise ImproperlyConfigured("DATABASE_URL と DATABASE_OWNER_URL には別のロールを使ってください。")

REDIS_URL = secret("REDIS_URL")
EMBEDDED_SERVERS = False
CELERY_BROKER_URL = REDIS_URL
CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}}
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_SSL_REDIRECT = True
SECURE_HSTS_SECONDS = 365 * 24 * 60 * 60
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
