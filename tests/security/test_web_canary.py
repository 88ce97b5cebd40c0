"""R-034: a person who must not be in any log line goes through loading, screens, mails, errors and a real worker."""

import json
import logging
import os
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from celery_worker import wait_until, worker
from django.test import Client
from rights_story import FILES

import office.tasks  # registers the kind of job
from accounts.models import Role
from accounts.services import create_user
from core.audit.acting import SYSTEM
from core.jobs.models import Job
from core.jobs.services import queue_job
from core.jobs.tasks import run_job
from core.notify.models import Mail
from core.notify.services import queue_mail
from core.notify.tasks import send_mails

PROJECT = Path(__file__).resolve().parent.parent.parent
CANARY = {
    "name": "金糸雀 歌子",
    "kana": "カナリア ウタコ",
    "mail": "canary-utako@example.jp",
    "phone": "090-1357-2468",
    "account": "7531864",
    "token": "cq1x2y-0badc0ffee0badc0ffee0badc0ffee01",
    "password": "kanaria-no-himitsu-77",
}
# each also without its separators, and as the percent-encoding of an address
LOOKED_FOR = {
    *CANARY.values(),
    *(part for value in CANARY.values() for part in value.split()),
    CANARY["phone"].replace("-", ""),
    *(urllib.parse.quote(CANARY[key]) for key in ("name", "mail")),
}


def exchange_files(spoilt: bool) -> dict[str, bytes]:
    """The expert E1 is the canary; spoilt: with an error in her row."""
    experts = FILES["experts.csv"].replace("吉田 太郎,ヨシダ タロウ", f"{CANARY['name']},{CANARY['kana']}")
    experts = experts.replace("e1@example.jp", CANARY["mail"]).replace("1112345", CANARY["account"])
    if spoilt:
        experts = experts.replace("報酬2号", CANARY["name"])
    names = ("payer.csv", "institutions.csv", "companies.csv")
    files = {name: FILES[name].encode("utf-8-sig") for name in names}
    return {**files, "experts.csv": experts.encode("utf-8-sig")}


def load(environment: dict[str, str], folder: Path, spoilt: bool) -> str:
    """`manage.py load_exchange`; answers what it said on stderr beside its own report."""
    folder.mkdir()
    for name, content in exchange_files(spoilt).items():
        (folder / name).write_bytes(content)
    done = subprocess.run(
        [sys.executable, "manage.py", "load_exchange", str(folder), "--errors", str(folder / "errors.csv")],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode == 0) is not spoilt, done.stderr
    return done.stderr


def lines_of(text: str) -> list[dict[str, Any]]:
    """The JSON lines of a log."""
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def holds_canary(text: str) -> list[str]:
    return [line for line in text.splitlines() if any(one in line for one in LOOKED_FOR)]


def ask(port: int, path: str, body: dict[str, str] | None = None, **headers: str) -> int:
    """One request from outside."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}",
        data=urllib.parse.urlencode(body).encode() if body is not None else None,
        headers=headers,
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def cookie_of(role: str) -> str:
    """A session of a person of this role."""
    client = Client()
    person = create_user(username=f"u-{role}", role=role, actor=SYSTEM, password="tsukinami-shiharai-2021")
    client.force_login(person)
    session = client.session
    session["confirmed_at"] = time.time()
    session["has_second_factor"] = True
    session.save()
    return f"sessionid={client.cookies['sessionid'].value}"


def walk(port: int) -> None:
    """What people do with the canary, and what they do wrong."""
    quoted = urllib.parse.quote(CANARY["name"])
    cookie = cookie_of(Role.OFFICE_OPERATOR)
    for path in (
        "/office/",
        f"/office/experts/?q={quoted}",
        "/office/experts/E1/",
        f"/office/experts/{quoted}/",
        "/office/mails/",
        f"/office/runs/{quoted}/",
    ):
        assert ask(port, path, Cookie=cookie, Referer=f"http://127.0.0.1:{port}/?q={quoted}") < 500
    for path, body in (
        (f"/sign-in/?next=/{quoted}/", {"username": CANARY["mail"], "password": CANARY["password"]}),
        ("/password/reset/", {"email": CANARY["mail"]}),
        ("/office/mails/1/decide/", {"decision": CANARY["name"]}),
    ):
        assert ask(port, path, body, Cookie=cookie) < 500
    for path in (
        f"/set-password/MQ/{CANARY['token']}/",
        f"/c/{CANARY['token']}/",
        f"/renew/{CANARY['token']}/",
        f"/y/{CANARY['token']}/",
        f"/nothing/{CANARY['mail']}/",
        f"/office/{CANARY['phone']}/{CANARY['account']}/",
        "/%00" + quoted,
    ):
        assert ask(port, path) < 500
    ask(port, "/", Host=f"{CANARY['mail'].partition('@')[0]}.test")
    ask(port, "/", **{"User-Agent": CANARY["mail"], "X-Forwarded-For": CANARY["mail"]})


@pytest.fixture
def web(fresh_database: Any, tmp_path: Path) -> Any:
    """gunicorn as in production, its output in a file."""
    import socket

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    log = tmp_path / "web.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "--config", "config/gunicorn.py", "config.wsgi:application"],
            cwd=PROJECT,
            env={**fresh_database.environment, "WEB_BIND": f"127.0.0.1:{port}", "WEB_WORKERS": "1"},
            stdout=output,
            stderr=output,
        )
    try:

        def answers() -> bool:
            try:
                return ask(port, "/healthz") == 200
            except OSError:
                return False

        wait_until(answers)
        yield port, log
    finally:
        process.terminate()
        process.wait(40)


def test_no_log_line_of_web_gunicorn_worker_or_command_holds_a_word_of_the_canary(
    fresh_database: Any, web: tuple[int, Path], tmp_path: Path
) -> None:
    port, web_log = web
    said = load(fresh_database.environment, tmp_path / "good", spoilt=False)
    said += load(fresh_database.environment, tmp_path / "bad", spoilt=True)
    queue_mail(
        to=CANARY["mail"],
        template="task",
        context={"name": CANARY["name"], "title": CANARY["name"], "note": CANARY["phone"], "path": "/"},
        key="canary",
        actor=SYSTEM,
    )
    walk(port)
    worker_log = tmp_path / "worker.log"
    environment = {**fresh_database.environment, "VAR_DIR": os.environ["VAR_DIR"]}
    with worker(environment, worker_log) as started:
        # a job that breaks over the canary: the folder of the upload has her name
        job = queue_job(
            kind=office.tasks.LOAD,
            title=CANARY["name"],
            arguments={"uploads": CANARY["name"], "folder": CANARY["name"], "dry_run": True, "actor": 1},
            actor=SYSTEM,
        )
        started.send(run_job, job.pk)
        started.send(send_mails)
        wait_until(lambda: not Job.objects.filter(pk=job.pk, status__in=("queued", "running")).exists())
        wait_until(lambda: Mail.objects.get(key="canary").state != "queued")
    written = web_log.read_text()
    assert holds_canary(written) == []
    assert holds_canary(worker_log.read_text()) == []
    # the report of a refused load shows the bad values to who asked for it: that is no log
    assert holds_canary("\n".join(line for line in said.splitlines() if line.startswith("{"))) == []
    lines = lines_of(written)
    requests = [line for line in lines if line.get("event") == "request"]
    assert {"office/experts/<str:code>/", "set-password/<uidb64>/<token>/"} <= {
        one["route"] for one in requests
    }
    assert any(line["event"] == "access" for line in lines)
    assert all(one["request_id"] and one["milliseconds"] >= 0 for one in requests)
    assert {one["actor"] for one in requests} > {None}
    assert len(lines_of(worker_log.read_text())) >= 1
    assert len([line for line in written.splitlines() if line and not line.startswith("{")]) == 0


def test_the_canary_test_would_see_a_canary(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        logging.getLogger("core").warning("expert %s", CANARY["name"])
    assert holds_canary(caplog.text) != []
