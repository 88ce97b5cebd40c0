"""`make demo`: prepares everything, serves the portal with worker and beat, and ends all of it together.

Nothing is restarted silently: when one process ends, we say which and why, and end the others; when PostgreSQL or
Redis ends, we start it again and say so.
"""

# ruff: noqa: T201, S603 - it speaks to a person, and starts our own programs

import contextlib
import ctypes
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from config.servers import ServersError, attach, detach, postgres, redis_server
from config.servers.layout import load_state
from config.servers.processes import tail

PROJECT = Path(__file__).resolve().parent.parent
HOST = "127.0.0.1"
FIRST_PORT = 8000
_READY_SECONDS = 120
_STOP_SECONDS = 10
# looks at the processes between two looks at the servers
_LOOKS_BETWEEN = 6
_PR_SET_PDEATHSIG = 1


class Stopped(BaseException):
    """Ctrl-C, SIGTERM or a closed terminal."""


class DemoFailed(Exception):
    """The demonstration cannot go on; the message says which part and why."""


@dataclass(frozen=True)
class Part:
    """One running process of the demonstration."""

    title: str
    process: subprocess.Popen[bytes]
    log: Path


def free_socket(first: int) -> tuple[socket.socket, bool]:
    """A listening socket on the first free port from `first` on, and whether `first` itself was free.

    The socket is handed to the web server as it is, so nobody can take the port in between.
    """
    for port in range(first, first + 100):
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
            listener.listen(128)
        except OSError:
            listener.close()
            continue
        return listener, port == first
    raise DemoFailed(f"ポート {first} から {first + 99} までがすべて使用中です。")


class Demo:
    """What `make demo` has started, and how it ends."""

    def __init__(self, var_dir: Path) -> None:
        self.var_dir = var_dir
        self.parts: list[Part] = []
        self.address = ""
        # which servers are the project's own
        self.with_postgres = not os.environ.get("DATABASE_URL")
        self.with_redis = not os.environ.get("REDIS_URL")

    def run(self) -> None:
        """Prepares, starts, prints the addresses, and waits; ends by Stopped or DemoFailed."""
        if self.with_postgres or self.with_redis:
            say("PostgreSQL と Redis を用意しています…")
            attach(self.var_dir, with_postgres=self.with_postgres, with_redis=self.with_redis)
        (self.var_dir / "log").mkdir(mode=0o700, parents=True, exist_ok=True)
        say("データベースを準備しています…")
        self.manage("setup")
        self.manage("collectstatic", "--noinput", "--verbosity=0")
        say("デモのデータを用意しています…")
        logins = self.manage("demo_data")
        listener, first_choice = free_socket(FIRST_PORT)
        port = listener.getsockname()[1]
        self.address = f"http://{HOST}:{port}"
        if not first_choice:
            say(f"ポート {FIRST_PORT} は使用中のため、ポート {port} を使います。")
        os.environ["PUBLIC_ORIGIN"] = self.address  # for the links in mails
        self.start_parts(listener)
        self.wait_for_page()
        self.show(logins)
        self.watch()

    def manage(self, *arguments: str) -> str:
        """Runs a command of manage.py to its end; answers what it printed."""
        command = [sys.executable, str(PROJECT / "manage.py"), *arguments]
        process = self.spawn(command, stdout=subprocess.PIPE)
        self.parts.append(part := Part(f"manage.py {arguments[0]}", process, self.var_dir / "log"))
        output, _ = process.communicate()
        self.parts.remove(part)
        if process.returncode != 0:
            sys.stdout.buffer.write(output)
            raise DemoFailed(f"manage.py {arguments[0]} が失敗しました（終了状態 {process.returncode}）。")
        return output.decode("utf-8", errors="replace")

    def start_parts(self, listener: socket.socket) -> None:
        """Starts web, worker and beat, each with its log."""
        python = [sys.executable, "-m"]
        celery = [*python, "celery", "-A", "config"]
        web = [
            *python,
            "gunicorn",
            "config.wsgi:application",
            "--config",
            str(PROJECT / "config" / "gunicorn.py"),
        ]
        web += ["--bind", f"fd://{listener.fileno()}", "--workers", "2", "--graceful-timeout", "5"]
        self.start_part("Web", "web", web, keep=[listener.fileno()])
        listener.close()
        quiet = ["--without-gossip", "--without-mingle"]
        self.start_part("Celery worker", "worker", [*celery, "worker", "-c", "2", "-l", "INFO", *quiet])
        schedule = str(self.var_dir / "celerybeat-schedule")
        self.start_part("Celery beat", "beat", [*celery, "beat", "-l", "INFO", "--pidfile=", "-s", schedule])

    def start_part(self, title: str, name: str, command: Sequence[str], keep: Sequence[int] = ()) -> None:
        """Starts one process that writes to log/<name>.log, from the beginning of the file."""
        log = self.var_dir / "log" / f"{name}.log"
        with log.open("wb") as output:
            process = self.spawn(command, stdout=output.fileno(), stderr=subprocess.STDOUT, keep=keep)
        self.parts.append(Part(title, process, log))

    def spawn(
        self, command: Sequence[str], stdout: int, stderr: int | None = None, keep: Sequence[int] = ()
    ) -> subprocess.Popen[bytes]:
        """A child in a process group of its own that gets SIGTERM when we die, however that happens."""
        parent = os.getpid()
        prctl = ctypes.CDLL(None, use_errno=True).prctl

        def follow_parent() -> None:
            prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
            if os.getppid() != parent:
                os._exit(1)

        return subprocess.Popen(
            command,
            cwd=PROJECT,
            env={**os.environ, "PYTHONUNBUFFERED": "1", "VAR_DIR": str(self.var_dir)},
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            process_group=0,
            pass_fds=keep,
            preexec_fn=follow_parent,
        )

    def wait_for_page(self) -> None:
        """Returns when the portal's first page answers."""
        host, port = self.address.removeprefix("http://").split(":")
        end = time.monotonic() + _READY_SECONDS
        while time.monotonic() < end:
            self.check_parts()
            connection = http.client.HTTPConnection(host, int(port), timeout=30)
            try:
                connection.request("GET", "/")
                answer = connection.getresponse().status
            except OSError:
                time.sleep(0.2)
                continue
            finally:
                connection.close()
            if answer < 500:
                return
            raise DemoFailed(
                f"ページが開けません（{answer}）。{self.var_dir / 'log' / 'web.log'} を見てください。"
            )
        raise DemoFailed(f"Web が {_READY_SECONDS} 秒以内に応答しません。")

    def show(self, logins: str) -> None:
        """Prints where to go and who may sign in."""
        say("")
        say(f"事務局システムが動いています: {self.address}/")
        say(f"  事務局の画面  {self.address}/office/")
        say(f"  管理画面      {self.address}/admin/")
        say(f"  ログ          {self.var_dir / 'log'}")
        say("")
        say(logins.strip())
        say("")
        say("終了するには Ctrl-C を押してください。")

    def watch(self) -> None:
        """Waits until one of the processes ends, which is a failure; a server of ours that ended is started again."""
        while True:
            for _ in range(_LOOKS_BETWEEN):
                self.check_parts()
                time.sleep(0.5)
            self.keep_servers()

    def keep_servers(self) -> None:
        """Starts PostgreSQL or Redis again when they don't answer, and says so: what people acknowledged lasts."""
        state = load_state(self.var_dir)
        missing = []
        if self.with_postgres and not postgres.answers(state):
            missing.append("PostgreSQL")
        if self.with_redis and not redis_server.answers(state):
            missing.append("Redis")
        if missing:
            attach(self.var_dir, with_postgres=self.with_postgres, with_redis=self.with_redis)
            say(f"{' と '.join(missing)} が止まったため、起動し直しました。")

    def check_parts(self) -> None:
        """DemoFailed, with the end of its log, when a process has ended."""
        for part in self.parts:
            status = part.process.poll()
            if status is not None:
                how = f"終了状態 {status}" if status >= 0 else f"シグナル {signal.Signals(-status).name}"
                raise DemoFailed(
                    f"{part.title} が終了しました（{how}）。{part.log} の終わり:\n{tail(part.log, 15)}"
                )

    def stop(self) -> None:
        """Ends every process we started, and the servers unless somebody else uses them."""
        for part in self.parts:
            if part.process.poll() is None:
                part.process.terminate()
        end = time.monotonic() + _STOP_SECONDS
        for part in self.parts:
            try:
                part.process.wait(max(0.1, end - time.monotonic()))
            except subprocess.TimeoutExpired:
                say(f"{part.title} が応答しないため強制終了します。")
            # What is left of its group, too: a pool process whose parent is gone.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(part.process.pid, signal.SIGKILL)
            part.process.wait()
        self.parts.clear()
        detach(self.var_dir)


def say(line: str) -> None:
    """Prints at once, also into a pipe."""
    print(line, flush=True)


def main() -> int:
    """Runs the demonstration; 0 when a person ended it, 1 when it failed."""
    demo = Demo(Path(os.environ.get("VAR_DIR") or PROJECT / "var").resolve())
    ends = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def stop_now(number: int, frame: FrameType | None) -> None:
        # Once is enough: a second Ctrl-C must not cut the ending short.
        for end in ends:
            signal.signal(end, signal.SIG_IGN)
        raise Stopped

    for end in ends:
        signal.signal(end, stop_now)
    try:
        demo.run()
    except Stopped:
        say("\n終了しています…")
        return 0
    except (DemoFailed, ServersError) as error:
        print(f"エラー: {error}", file=sys.stderr, flush=True)
        return 1
    finally:
        for end in ends:
            signal.signal(end, signal.SIG_IGN)
        demo.stop()
        say("すべて停止しました。")
    return 0


if __name__ == "__main__":
    sys.exit(main())
