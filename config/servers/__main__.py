"""`python -m config.servers start|stop|status|psql`: the project's own servers, by hand."""

# ruff: noqa: T201 - it speaks to a person

import argparse
import os
import signal
import sys
import time
from pathlib import Path

from . import postgres, redis_server
from .binaries import installed
from .errors import ServersError
from .layout import exclusive, load_state
from .users import attach, detach, endpoints, is_locked, spawn_helper, stop_if_unused


def start(var_dir: Path) -> int:
    """Starts the servers and leaves them running until `stop`."""
    attach(var_dir)
    if not is_locked(var_dir / "hold.lock"):
        spawn_helper(var_dir, "holder")
        while not is_locked(var_dir / "hold.lock"):
            time.sleep(0.02)
    detach(var_dir)
    return status(var_dir)


def stop(var_dir: Path) -> int:
    """Takes back `start`, and stops the servers unless somebody uses them."""
    load_state(var_dir)
    hold = var_dir / "hold.lock"
    if is_locked(hold):
        try:
            os.kill(int(hold.read_text()), signal.SIGTERM)
        except PermissionError as error:
            raise ServersError(
                "別の利用者が start で動かしています。その利用者で stop してください。"
            ) from error
        while is_locked(hold):
            time.sleep(0.02)
    with exclusive(var_dir / "servers.lock"):
        if stop_if_unused(var_dir):
            print("PostgreSQL と Redis を停止しました。")
            return 0
    print("使っている処理があるため動かしたままにします。最後の処理が終わると停止します。", file=sys.stderr)
    return 1


def status(var_dir: Path) -> int:
    """Prints whether the servers run and where; 0 when both do, else 3."""
    state = load_state(var_dir)
    up = {"PostgreSQL": postgres.answers(state), "Redis": redis_server.answers(state)}
    for name, running in up.items():
        print(f"{name}: {'動作中' if running else '停止'}")
    addresses = endpoints(var_dir)
    print(f"DATABASE_URL={addresses.database_url}")
    print(f"DATABASE_OWNER_URL={addresses.database_owner_url}")
    print(f"REDIS_URL={addresses.redis_url}")
    return 0 if all(up.values()) else 3


def psql(var_dir: Path, arguments: list[str]) -> int:
    """Opens psql as the superuser; what follows `psql` is passed on."""
    address = attach(var_dir).superuser_url
    client = installed().postgres("psql")
    # The password goes by the environment: a command line can be read by everybody.
    login, _, rest = address.removeprefix("postgresql://").partition("@")
    role, _, password = login.partition(":")
    return os.spawnvpe(  # noqa: S606 - our own psql
        os.P_WAIT,
        str(client),
        [str(client), f"postgresql://{role}@{rest}", *arguments],
        {**os.environ, "PGPASSWORD": password},
    )


def main() -> int:
    """The command line; answers the exit status."""
    parser = argparse.ArgumentParser(prog="python -m config.servers", description=__doc__)
    parser.add_argument("command", choices=("start", "stop", "status", "psql"))
    parser.add_argument("arguments", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    project = Path(__file__).resolve().parent.parent.parent
    var_dir = Path(os.environ.get("VAR_DIR") or project / "var").resolve()
    try:
        if options.command == "psql":
            return psql(var_dir, options.arguments)
        return {"start": start, "stop": stop, "status": status}[options.command](var_dir)
    except ServersError as error:
        print(f"エラー: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
