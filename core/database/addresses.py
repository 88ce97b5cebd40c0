"""Where the database is, and as whom we speak to it (see docs/adr/0002-database-roles.md)."""

import os
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

APP_ROLE = "dispatch_app"
SEALER_ROLE = "dispatch_sealer"


def connection_settings(url: str, **extra: Any) -> dict[str, Any]:
    """Django's settings for a postgresql:// address; the host may be a percent-encoded socket folder."""
    parts = urlsplit(url)
    if parts.scheme not in ("postgres", "postgresql"):
        raise ValueError("データベースの接続先は postgresql:// で始めてください。")
    options: dict[str, str] = {}
    query = dict(pair.split("=", 1) for pair in parts.query.split("&") if "=" in pair)
    host = unquote(query.pop("host", "") or parts.hostname or "")
    if not query.get("host") and parts.netloc.rpartition("@")[2].startswith("%2F"):
        # urlsplit lower-cases the host; a socket folder is case-sensitive.
        host = unquote(parts.netloc.rpartition("@")[2].rpartition(":")[0] or parts.netloc.rpartition("@")[2])
    for name, value in query.items():
        if name == "port":
            continue
        options[name] = unquote(value)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": host,
        "PORT": str(query.get("port") or parts.port or ""),
        "OPTIONS": options,
        **extra,
    }


def from_environment(var_dir: Path) -> tuple[dict[str, dict[str, Any]], str, bool]:
    """Answers (DATABASES, redis address, embedded?) from the environment or the project's own servers.

    `default` is the application's role, `owner` the role that migrates. With DATABASE_URL alone the
    owner's login is used for both, and the application's connections take the role `dispatch_app`.
    `sealer` chains the history (core/audit/sealing.py): a login of its own where one is named, else the
    owner's login stepping down to the role `dispatch_sealer`.
    """
    database_url = os.environ.get("DATABASE_URL", "")
    owner_url = os.environ.get("DATABASE_OWNER_URL", "")
    sealer_url = os.environ.get("DATABASE_SEALER_URL", "")
    redis_url = os.environ.get("REDIS_URL", "")
    assume_role = ""
    embedded = not (database_url and redis_url)
    if embedded:
        from config.servers import endpoints

        own = endpoints(var_dir)
        redis_url = redis_url or own.redis_url
        if not database_url:
            database_url, owner_url, sealer_url = own.database_url, own.database_owner_url, own.sealer_url
    if not owner_url:
        owner_url, assume_role = database_url, APP_ROLE
    databases = {
        # a connection that did not survive the database is replaced before a request uses it
        "default": connection_settings(
            database_url, CONN_MAX_AGE=60, CONN_HEALTH_CHECKS=True, ASSUME_ROLE=assume_role
        ),
        "owner": connection_settings(owner_url, TEST={"MIRROR": "default"}),
        "sealer": connection_settings(
            sealer_url or owner_url, ASSUME_ROLE="" if sealer_url else SEALER_ROLE, TEST={"MIRROR": "default"}
        ),
    }
    return databases, redis_url, embedded
