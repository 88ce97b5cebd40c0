#!/usr/bin/env python3
"""Django's command line for the project; brings its own PostgreSQL and Redis when none are named."""

import importlib.util
import os
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parent
# Commands that read no database, or bring their own servers: they must work, and quickly, where no server can run.
WITHOUT_SERVERS = {
    "collectstatic",
    "compilemessages",
    "diffsettings",
    "findstatic",
    "help",
    "makemessages",
    "backup_drill",
    "restore",
    "version",
}


def use_project_python() -> None:
    """Goes on with .venv/bin/python when this Python lacks the project's packages."""
    if all(importlib.util.find_spec(package) for package in ("django", "psycopg", "celery", "environ")):
        return
    python = PROJECT / ".venv" / "bin" / "python"
    if not python.exists() or Path(sys.prefix).resolve() == PROJECT / ".venv":
        sys.exit("エラー: 準備ができていません。先に make setup を実行してください。")
    os.execv(python, [str(python), *sys.argv])  # noqa: S606


def settings_named_in(arguments: list[str]) -> str:
    """The module behind --settings, else that of the environment, else the embedded default."""
    for position, argument in enumerate(arguments):
        if argument.startswith("--settings="):
            return argument.removeprefix("--settings=")
        if argument == "--settings" and position + 1 < len(arguments):
            return arguments[position + 1]
    return os.environ.get("DJANGO_SETTINGS_MODULE") or "config.settings.embedded"


def attach_servers(arguments: list[str]) -> None:
    """Makes sure the project's own servers run, where the settings use them and the command needs them."""
    command = arguments[1] if len(arguments) > 1 else "help"
    if command in WITHOUT_SERVERS or command.startswith("-") or {"--help", "-h"} & set(arguments):
        return
    if not os.environ["DJANGO_SETTINGS_MODULE"].endswith((".embedded", ".test")):
        return
    with_postgres, with_redis = not os.environ.get("DATABASE_URL"), not os.environ.get("REDIS_URL")
    if with_postgres or with_redis:
        from config.servers import attach

        var_dir = os.environ.get("VAR_DIR") or PROJECT / "var"
        attach(var_dir, with_postgres=with_postgres, with_redis=with_redis)


def refusal(error: BaseException) -> str | None:
    """What a person can act on, as one line; None for what is a defect of ours."""
    import psycopg
    from django.core.exceptions import ImproperlyConfigured
    from django.db import OperationalError
    from kombu.exceptions import OperationalError as BrokerError
    from redis.exceptions import ConnectionError as RedisConnectionError

    from config.servers import ServersError
    from core.errors import DomainError

    first_line = str(error).strip().partition("\n")[0]
    if isinstance(error, ServersError | DomainError | ImproperlyConfigured):
        return str(error)
    if isinstance(error, OperationalError | psycopg.OperationalError):
        return f"データベースに接続できないか、処理が中断されました（{first_line}）。"
    if isinstance(error, RedisConnectionError | BrokerError):
        return f"Redis に接続できません（{first_line}）。"
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename} を読み書きできません（{error.strerror}）。"
    return None


def main(arguments: list[str]) -> None:
    """Runs one command. A refusal is one line on stderr and exit status 1; --traceback shows its origin."""
    use_project_python()
    os.environ["DJANGO_SETTINGS_MODULE"] = settings_named_in(arguments)
    try:
        from django.core.management import execute_from_command_line

        attach_servers(arguments)
        execute_from_command_line(arguments)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        message = refusal(error)
        if message is None or "--traceback" in arguments:
            raise
        sys.exit(f"エラー: {message}")


if __name__ == "__main__":
    main(sys.argv)
