"""gunicorn with our configuration, and the health checks of the containers, as running processes."""

import http.client
import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent.parent
APPLICATION = """
def application(environ, start_response):
    healthy = environ["HTTP_X_FORWARDED_PROTO"] == "https" and environ["HTTP_HOST"] == "office.go.test"
    found = environ["PATH_INFO"] != "/healthz" or healthy
    start_response("200 OK" if found else "400 Bad Request", [("X-Request-ID", "0123456789abcdef")])
    return [environ["PATH_INFO"].encode()]
"""


@dataclass
class Web:
    port: int
    home: Path
    log: Path
    process: "subprocess.Popen[bytes]"

    def get(self, path: str) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request("GET", path, headers={"X-Forwarded-Proto": "https", "Host": "office.go.test"})
        return connection.getresponse().status


def health(program: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(PROJECT / "deploy" / "health" / program), *arguments],
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    home = tmp_path_factory.mktemp("home")
    (home / "small.py").write_text(APPLICATION)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = int(listener.getsockname()[1])
    log = home / "access.log"
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "gunicorn",
            "--config",
            str(PROJECT / "config" / "gunicorn.py"),
            "small:application",
        ],
        cwd=home,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "WEB_BIND": f"127.0.0.1:{port}",
            "WEB_WORKERS": "1",
        },
        stdout=log.open("wb"),
        stderr=(home / "error.log").open("wb"),
    )
    try:
        end = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                assert time.monotonic() < end, (home / "error.log").read_text()
                time.sleep(0.1)
        yield Web(port, home, log, process)
    finally:
        process.terminate()
        process.wait(40)


def test_the_access_log_has_paths_without_queries_referrers_and_tokens(web: Web) -> None:
    for path in ("/office/experts/?q=canary", "/set-password/MQ/canary/", "/c/canary/"):
        assert web.get(path) == 200
    end = time.monotonic() + 10
    while web.log.read_text().count("\n") < 3 and time.monotonic() < end:
        time.sleep(0.05)
    lines = [json.loads(line) for line in web.log.read_text().splitlines()]
    assert {"/office/experts/", "/set-password/…", "/c/…"} <= {line["path"] for line in lines}
    assert {(line["request_id"], line["method"], line["status"]) for line in lines} == {
        ("0123456789abcdef", "GET", 200)
    }
    assert "canary" not in web.log.read_text()


def test_what_is_no_word_of_an_address_of_ours_is_not_in_the_access_log(web: Web) -> None:
    before = web.log.read_text()
    for path in (
        "/office/%E5%B1%B1%E7%94%B0/",
        "/office/canary@example.jp/",
        "/password/reset/key/MQ-canary-canary-canary-1/",
    ):
        web.get(path)
    end = time.monotonic() + 10
    while web.log.read_text().count("\n") < before.count("\n") + 3 and time.monotonic() < end:
        time.sleep(0.05)
    lines = [json.loads(line) for line in web.log.read_text()[len(before) :].splitlines()]
    assert {line["path"] for line in lines} == {"/office/…/", "/password/reset/key/…/"}


def test_gunicorns_own_lines_are_json_too(web: Web) -> None:
    lines = [json.loads(line) for line in (web.home / "error.log").read_text().splitlines()]
    assert any("Listening at" in line["event"] for line in lines)


def test_gunicorn_opens_no_control_socket(web: Web) -> None:
    assert web.get("/") == 200
    assert not list(web.home.rglob("*.ctl"))
    assert not (web.home / ".gunicorn").exists()


def test_the_web_health_check_asks_as_the_proxy_would(web: Web) -> None:
    bind = f"127.0.0.1:{web.port}"
    assert health("web.py", WEB_BIND=bind, ALLOWED_HOSTS="office.go.test").returncode == 0
    wrong = health("web.py", WEB_BIND=bind, ALLOWED_HOSTS="other.test")
    assert (wrong.returncode, wrong.stderr) == (1, "web: HTTP 400\n")


def test_the_web_health_check_fails_when_nobody_listens() -> None:
    assert health("web.py", WEB_BIND="127.0.0.1:1", ALLOWED_HOSTS="office.go.test").returncode == 1


def test_the_beat_health_check_sees_silence(tmp_path: Path) -> None:
    schedule = tmp_path / "beat-schedule"
    assert health("beat.py", str(schedule)).returncode == 1
    written = tmp_path / "beat-schedule.db"
    written.touch()
    assert health("beat.py", str(schedule)).returncode == 0
    an_hour_ago = time.time() - 3600
    os.utime(written, (an_hour_ago, an_hour_ago))
    answer = health("beat.py", str(schedule))
    assert answer.returncode == 1
    assert "silent" in answer.stderr


def test_an_idle_connection_is_given_up_by_the_proxy_first() -> None:
    proxy = (PROJECT / "deploy" / "nginx" / "nginx.conf").read_text(encoding="utf-8")
    process = (PROJECT / "config" / "gunicorn.py").read_text(encoding="utf-8")
    upstream = re.search(r"upstream web \{.*?keepalive_timeout (\d+)s;", proxy, re.DOTALL)
    kept = re.search(r"^keepalive = (\d+)$", process, re.MULTILINE)
    assert upstream and kept
    assert int(kept[1]) > int(upstream[1])
