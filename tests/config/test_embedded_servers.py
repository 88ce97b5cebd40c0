"""The project's own PostgreSQL and Redis, with real processes."""

import os
import shutil
import signal
import stat
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
import redis
from server_processes import PROJECT, Processes, command_line, eventually, leave, read_line, servers_of

from config import servers
from config.servers import binaries, postgres
from config.servers.layout import load_state
from config.servers.processes import running


def postmaster(var_dir: Path) -> int:
    return running("postgres", postgres.data_folder(var_dir))[0]


def test_addresses_are_known_and_stay_before_anything_runs(var_dir: Path) -> None:
    first = servers.endpoints(var_dir)
    assert servers.endpoints(var_dir) == first
    assert servers_of(var_dir) == []
    assert stat.S_IMODE((var_dir / "servers.json").stat().st_mode) == 0o600
    passwords = load_state(var_dir).passwords
    assert len(set(passwords.values())) == len(passwords) == 6


def test_both_servers_answer_at_the_addresses(running_servers: Path) -> None:
    addresses = servers.endpoints(running_servers)
    for url in (
        addresses.database_url,
        addresses.database_owner_url,
        addresses.sealer_url,
        addresses.readonly_url,
    ):
        with psycopg.connect(url) as connection:
            row = connection.execute(
                "SELECT current_database(), current_setting('server_version_num')::int / 10000"
            )
            assert row.fetchone() == ("dispatch", 18)
    client = redis.Redis.from_url(addresses.redis_url)
    assert client.ping()
    assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
    client.close()


def test_a_wrong_password_is_refused_by_both(running_servers: Path) -> None:
    addresses, passwords = servers.endpoints(running_servers), load_state(running_servers).passwords
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(addresses.database_url.replace(passwords["dispatch_app"], "x"))
    with pytest.raises(redis.exceptions.AuthenticationError):
        redis.Redis.from_url(addresses.redis_url.replace(passwords["redis"], "x")).ping()


def test_the_cluster_is_made_as_the_design_says(running_servers: Path) -> None:
    with psycopg.connect(servers.endpoints(running_servers).superuser_url) as connection:

        def ask(query: str) -> list[tuple[object, ...]]:
            return connection.execute(query).fetchall()

        assert ask(
            "SELECT datlocprovider, datlocale, pg_encoding_to_char(encoding), pg_get_userbyid(datdba)"
            " FROM pg_database WHERE datname = 'dispatch'"
        ) == [("b", "C.UTF-8", "UTF8", "dispatch_owner")]
        for name, value in {
            "data_checksums": "on",
            "TimeZone": "UTC",
            "jit": "off",
            "listen_addresses": "",
        }.items():
            assert ask(f"SHOW {name}") == [(value,)]
        roles = ask(
            "SELECT rolname, rolsuper, rolcreatedb, rolcreaterole, rolbypassrls, rolcanlogin FROM pg_roles"
            " WHERE rolname LIKE 'dispatch%' ORDER BY 1"
        )
        assert roles == [
            ("dispatch_app", False, False, False, False, True),
            ("dispatch_owner", False, True, False, False, True),
            ("dispatch_readonly", False, False, False, False, True),
            ("dispatch_sealer", False, False, False, False, True),
        ]
        for right, granted in {"CONNECT": True, "TEMP": False, "CREATE": False}.items():
            assert ask(f"SELECT has_database_privilege('dispatch_app', 'dispatch', '{right}')") == [
                (granted,)
            ]
        connection.execute("CREATE ROLE stranger LOGIN")
        assert ask("SELECT has_database_privilege('stranger', 'dispatch', 'CONNECT')") == [(False,)]
        assert ask(
            "SELECT count(*) FROM pg_hba_file_rules WHERE auth_method <> 'scram-sha-256' OR error IS NOT NULL"
        ) == [(0,)]


def test_japanese_words_have_trigrams(running_servers: Path) -> None:
    with psycopg.connect(servers.endpoints(running_servers).database_owner_url) as connection:
        connection.execute("CREATE EXTENSION pg_trgm")
        row = connection.execute("SELECT cardinality(show_trgm('中小企業'))").fetchone()
        assert row is not None
        assert row[0] > 0


def test_the_second_user_finds_the_servers_of_the_first(processes: Processes, var_dir: Path) -> None:
    processes.user()
    before = servers_of(var_dir)[0]
    processes.user()
    assert servers_of(var_dir)[0] == before


def test_users_that_come_at_once_start_one_pair_of_servers(first_processes: Processes, var_dir: Path) -> None:
    code = "attach(var_dir)\nprint('attached', flush=True)\nsys.stdin.read()\n"
    together = [first_processes.python(code) for _ in range(3)]
    assert [read_line(process) for process in together] == ["attached"] * 3
    assert len(running("redis-server", var_dir / "redis")) == 1
    numbers = running("postgres", postgres.data_folder(var_dir))
    assert sum(command_line(number).count(b"-D\0") for number in numbers) == 1


def test_the_last_user_out_stops_the_servers_and_no_other(processes: Processes, var_dir: Path) -> None:
    first, second = processes.user(), processes.user()
    leave(first)
    assert len(servers_of(var_dir)) > 2
    leave(second)
    assert servers_of(var_dir) == []
    assert "database system is shut down" in (var_dir / "log" / "postgres.log").read_text()


def test_a_killed_user_does_not_keep_the_servers_running(processes: Processes, var_dir: Path) -> None:
    first, second = processes.user(), processes.user()
    first.kill()
    first.wait()
    assert servers_of(var_dir) != []
    leave(second)
    assert servers_of(var_dir) == []


def test_servers_stop_after_their_only_user_is_killed(processes: Processes, var_dir: Path) -> None:
    user = processes.user()
    user.kill()
    eventually(lambda: not servers_of(var_dir))
    leave(processes.user())  # and the next one starts them again


def owner_of(number: int) -> int | None:
    """The user a process belongs to; None when it has ended meanwhile."""
    try:
        return Path(f"/proc/{number}").stat().st_uid
    except FileNotFoundError:
        return None


def session_of(number: int) -> int | None:
    """The session of a process; None when it has ended meanwhile, as the database's short-lived workers do."""
    try:
        return os.getsid(number)
    except ProcessLookupError:
        return None


def test_servers_survive_a_ctrl_c_of_the_command_that_started_them(
    processes: Processes, var_dir: Path
) -> None:
    user = processes.user()
    sessions = [session for number in servers_of(var_dir) if (session := session_of(number)) is not None]
    assert sessions != []
    assert os.getsid(user.pid) not in sessions


def test_a_forked_child_neither_stops_the_servers_nor_keeps_them(processes: Processes, var_dir: Path) -> None:
    user = processes.python(
        "attach(var_dir)\n"
        "if os.fork() == 0: sys.exit()\n"  # runs what is registered for the end
        "os.wait()\n"
        "lasting = os.fork()\n"
        "if lasting == 0:\n    time.sleep(60); os._exit(0)\n"
        "print(lasting, flush=True)\n"
        "sys.stdin.read()\n"
    )
    lasting = int(read_line(user))
    assert servers_of(var_dir) != []
    leave(user)
    try:
        assert servers_of(var_dir) == []
    finally:
        os.kill(lasting, signal.SIGKILL)


def test_a_program_that_a_user_started_does_not_keep_the_servers(processes: Processes, var_dir: Path) -> None:
    user = processes.python(
        "import subprocess\nattach(var_dir)\n"
        "child = subprocess.Popen(['sleep', '60'], close_fds=False)\n"
        "print(child.pid, flush=True)\nsys.stdin.read()\n"
    )
    child = int(read_line(user))
    leave(user)
    try:
        assert servers_of(var_dir) == []
    finally:
        os.kill(child, signal.SIGKILL)


def test_committed_data_survives_a_killed_postgres(processes: Processes, var_dir: Path) -> None:
    processes.user()
    url = servers.endpoints(var_dir).database_owner_url
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS one")
    killed = postmaster(var_dir)
    os.kill(killed, signal.SIGKILL)
    processes.user()
    assert postmaster(var_dir) != killed
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT one FROM kept").fetchone() == (1,)


def test_a_killed_redis_is_started_again(processes: Processes, var_dir: Path) -> None:
    processes.user()
    os.kill(running("redis-server", var_dir / "redis")[0], signal.SIGKILL)
    processes.user()
    client = redis.Redis.from_url(servers.endpoints(var_dir).redis_url)
    assert client.ping()
    client.close()


def test_a_process_number_in_use_by_another_program_does_not_stop_the_start(
    processes: Processes, var_dir: Path
) -> None:
    leave(processes.user())
    stale = postgres.data_folder(var_dir) / "postmaster.pid"
    stale.write_text(f"{os.getpid()}\n/proc/self/cwd\n1\n5432\n/tmp\n\n")
    processes.user()
    assert servers_of(var_dir) != []


def test_servers_end_when_their_folder_was_deleted_under_them(processes: Processes, var_dir: Path) -> None:
    user = processes.user()
    numbers = servers_of(var_dir)
    shutil.rmtree(var_dir)
    leave(user)
    eventually(lambda: not any(Path(f"/proc/{number}/cwd").exists() for number in numbers))


def test_a_socket_folder_that_others_can_enter_is_not_used(var_dir: Path) -> None:
    before = load_state(var_dir)
    Path(before.socket_dir).chmod(0o755)
    after = load_state(var_dir)
    assert after.socket_dir != before.socket_dir
    assert after.passwords == before.passwords
    for folder in (before.socket_dir, after.socket_dir):
        Path(folder).rmdir()


def test_a_socket_folder_that_a_restart_removed_is_made_again(var_dir: Path) -> None:
    folder = Path(load_state(var_dir).socket_dir)
    folder.rmdir()
    assert Path(load_state(var_dir).socket_dir) == folder
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    folder.rmdir()


def test_only_a_cluster_made_for_tests_may_lose_data(var_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMBEDDED_FSYNC", "on")
    assert load_state(var_dir).durable
    monkeypatch.setenv("EMBEDDED_FSYNC", "off")
    assert load_state(var_dir).durable
    assert not load_state(var_dir.with_name("データ 2")).durable


def test_without_the_wheels_one_is_told_which_addresses_to_set(
    var_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [])
    with pytest.raises(servers.ServersError, match="DATABASE_URL と REDIS_URL"):
        binaries.installed()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to give the servers to another user")
def test_started_by_root_the_servers_run_as_an_ordinary_user_below_a_folder_of_root(
    first_processes: Processes, var_dir: Path
) -> None:
    first_processes.user()
    assert stat.S_IMODE(var_dir.parent.stat().st_mode) == 0o700
    assert var_dir.parent.stat().st_uid == 0
    owners = {owner for number in servers_of(var_dir) if (owner := owner_of(number)) is not None}
    assert len(owners) == 1
    assert 0 not in owners


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to copy the programs")
def test_programs_that_the_servers_user_cannot_reach_are_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from config.servers.privileges import server_account

    hidden = tmp_path / "root のみ"
    hidden.mkdir(mode=0o700)
    public = Path("/var/tmp")  # noqa: S108
    monkeypatch.setattr(binaries, "_COPY_PARENTS", (str(public),))
    monkeypatch.setattr(binaries.importlib.metadata, "version", lambda _: f"test{os.getpid()}")
    original = binaries.installed()
    binaries._copy(original, hidden / "programs")
    monkeypatch.setattr(binaries, "installed", lambda: binaries.Programs(hidden / "programs"))
    usable = binaries.usable_by(server_account(tmp_path / "var"))
    try:
        assert usable.root.parent == public
    finally:
        shutil.rmtree(usable.root)


def test_start_leaves_them_running_until_stop(processes: Processes, var_dir: Path) -> None:
    def command(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "config.servers", *arguments],
            cwd=PROJECT,
            env=processes.environment,
            capture_output=True,
            text=True,
        )

    assert command("status").returncode == 3
    assert command("start").returncode == 0
    assert command("status").stdout.startswith("PostgreSQL: 動作中\nRedis: 動作中\n")
    asked = command("psql", "-Atc", "SELECT 'ここ'")
    assert (asked.returncode, asked.stdout) == (0, "ここ\n")
    user = processes.user()
    refused = command("stop")
    assert (refused.returncode, servers_of(var_dir) != []) == (1, True)
    leave(user)
    assert servers_of(var_dir) == []
    assert command("start").returncode == 0
    assert command("stop").returncode == 0
    assert servers_of(var_dir) == []
