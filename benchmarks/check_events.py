"""Phones sending check events to /api/v1/check-events/: requests per second and p99, with one and with two processes.

`python -m benchmarks.check_events [dispatches] [seconds]` loads a year into a database of its own, gives 7,000 experts
a login and a token, and lets 50 clients at once send one event per request for so many seconds; every twentieth
request is cut before its answer and sent again. Then new events arrive evenly, so many a second, which shows what one
phone waits when the machine isn't at its end, and what was sent first is sent once more. At the end it counts what the
database holds: each event once. The first lines are a bound: the same server answering /healthz, which does nothing.
"""

import asyncio
import csv
import datetime as dt
import itertools
import json
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.generate import HEADERS, Month
from benchmarks.scratch import ROOT, prepare, scratch_database

EXPERTS = 7_000
CLIENTS = 50
CUT_EVERY = 20
# What arrives in the busiest minutes there could be: 500 phones, each with three events at once, every ten seconds.
STEADY = 150
PLANNED_PER_EXPERT = 6
_BATCH = 1_000


@dataclass
class Tally:
    """What one run of clients saw."""

    seconds: float = 0.0
    milliseconds: list[float] = field(default_factory=list)
    cut: int = 0
    statuses: dict[str, int] = field(default_factory=dict)

    def line(self, name: str) -> str:
        """Requests a second, median and p99."""
        ordered = sorted(self.milliseconds)
        p99 = ordered[int(len(ordered) * 0.99)] if ordered else 0.0
        middle = statistics.median(ordered) if ordered else 0.0
        answers = " ".join(f"{status} {count:,}" for status, count in sorted(self.statuses.items()))
        return (
            f"  {name:34} {len(ordered) / self.seconds:8.0f} requests/s  median {middle:6.1f} ms"
            f"  p99 {p99:6.1f} ms  cut {self.cut:,}  {answers}"
        )


@dataclass(frozen=True, slots=True)
class Sending:
    """One event on its way: the request as bytes."""

    event_id: str
    request: bytes


def planned(folder: Path, month: Month, count: int) -> None:
    """Confirmed dispatches of the next weeks, for the phones to check in to."""
    with (folder / "dispatches.csv").open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, lineterminator="\r\n")
        columns = HEADERS["dispatches"].split(",")
        writer.writerow(columns)
        for n, visit in zip(range(count), itertools.cycle(month.visits()), strict=False):
            day = dt.datetime(2021, 10, 1) + dt.timedelta(days=n // EXPERTS)
            row = dict.fromkeys(columns, "") | {
                "派遣番号": f"P{n:07}",
                "機関コード": f"K{n % 300:05}",
                "専門家コード": f"E{n % EXPERTS:06}",
                "企業コード": f"C{visit.company:07}",
                "経営課題": "創業",
                "実施方式": "対面",
                "支援場所": "見本町",
                "緯度": "35.681236",
                "経度": "139.767125",
                "予定開始": f"{day:%Y-%m-%d} 10:00",
                "予定終了": f"{day:%Y-%m-%d} 12:00",
            }
            writer.writerow([row[column] for column in columns])


def give_tokens() -> dict[str, str]:
    """A login and a token for each expert; answers the token's text by expert code."""
    from accounts.models import Role, User
    from core import clock
    from core.audit.acting import SYSTEM, acting
    from experts.models import Expert
    from portal_expert.models import ApiToken
    from portal_expert.tokens import PREFIX, _hash

    experts = list(Expert.objects.order_by("code")[:EXPERTS])
    tokens = {expert.code: f"{PREFIX}{expert.code}{'x' * 30}" for expert in experts}
    with acting(SYSTEM, "benchmark"):
        users = User.objects.bulk_create(
            [
                User(username=expert.code, role=Role.EXPERT, email=f"{expert.code}@example.jp")
                for expert in experts
            ],
            batch_size=_BATCH,
        )
        for expert, user in zip(experts, users, strict=True):
            expert.user = user
        Expert.objects.bulk_update(experts, ["user"], batch_size=_BATCH)
        ends = clock.now() + dt.timedelta(days=1)
        ApiToken.objects.bulk_create(
            [
                ApiToken(user=user, name="測定", token_hash=_hash(tokens[user.username]), expires_at=ends)
                for user in users
            ],
            batch_size=_BATCH,
        )
    return tokens


def sendings(tokens: dict[str, str], count: int, port: int) -> list[Sending]:
    """Check-ins and check-outs in a mixed order, one event per request."""
    chance = random.Random(119)
    found = []
    for n, kind in itertools.product(range(count // 2), ("開始", "終了")):
        expert, nth = f"E{n % EXPERTS:06}", n // EXPERTS
        day = dt.date(2021, 10, 1) + dt.timedelta(days=nth)
        event_id = str(uuid.UUID(int=chance.getrandbits(128), version=4))
        clock_time = "10:00:07" if kind == "開始" else "11:59:40"
        event = {
            "event_id": event_id,
            "dispatch": f"P{n:07}",
            "kind": kind,
            "device_time": f"{day}T{clock_time}+09:00",
            "latitude": 35.6812,
            "longitude": 139.7671,
            "accuracy": 12.5,
            "fix_age": 2,
            "permission": "granted",
        }
        if kind == "終了":
            event["signer_name"] = "見本 花子"
        body = json.dumps([event], ensure_ascii=False).encode()
        head = (
            f"POST /api/v1/check-events/ HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
            f"Authorization: Bearer {tokens[expert]}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        found.append(Sending(event_id, head.encode() + body))
    chance.shuffle(found)
    return found


async def answer_of(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Status and body of one HTTP answer."""
    head = await reader.readuntil(b"\r\n\r\n")
    status = int(head[9:12])
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return status, await reader.readexactly(int(value))
    raise ValueError("an answer without a length")


async def send_all(
    queue: Iterator[Sending], port: int, until: float, *, cuts: bool, rate: float | None = None
) -> Tally:
    """50 clients, each with a connection of its own, until the queue or the time ends.

    With a rate they send so many a second between them, and a wait counts from the moment the event was due;
    without one each sends as soon as it has its answer.
    """
    tally = Tally()
    began = time.perf_counter()
    turns = itertools.count()

    async def client() -> None:
        reader = writer = None
        for n, sending in enumerate(queue):
            cut = cuts and n % CUT_EVERY == CUT_EVERY - 1
            due = None if rate is None else began + next(turns) / rate
            if due is not None:
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
            while True:
                if writer is None:
                    reader, writer = await asyncio.open_connection("127.0.0.1", port)
                assert reader is not None
                before, due = due or time.perf_counter(), None
                writer.write(sending.request)
                await writer.drain()
                if cut:
                    # the phone lost its network before the answer came, and sends again
                    await asyncio.sleep(0.002)
                    writer.close()
                    writer, cut = None, False
                    tally.cut += 1
                    continue
                try:
                    status, body = await answer_of(reader)
                except (asyncio.IncompleteReadError, ConnectionError):
                    # the server closed an idle connection or replaced a process
                    writer.close()
                    writer = None
                    continue
                tally.milliseconds.append((time.perf_counter() - before) * 1000)
                word = json.loads(body)[0]["status"] if body.startswith(b"[") else str(status)
                tally.statuses[word] = tally.statuses.get(word, 0) + 1
                break
            if time.perf_counter() > until:
                break
        if writer is not None:
            writer.close()

    await asyncio.gather(*(client() for _ in range(CLIENTS)))
    tally.seconds = time.perf_counter() - began
    return tally


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def serve(environment: dict[str, str], processes: int, port: int) -> subprocess.Popen[bytes]:
    """gunicorn as in production, ready to answer."""
    command = [sys.executable, "-m", "gunicorn", "--config", str(ROOT / "config" / "gunicorn.py")]
    command += ["config.wsgi:application"]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment
        | {"WEB_BIND": f"127.0.0.1:{port}", "WEB_WORKERS": str(processes)}
        | {"ALLOWED_HOSTS": "127.0.0.1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    for _ in range(300):
        with socket.socket() as sock:
            if sock.connect_ex(("127.0.0.1", port)) == 0:
                return process
        time.sleep(0.1)
    process.terminate()
    raise SystemExit("the web process doesn't start")


def bound(port: int, seconds: float) -> Tally:
    """The same clients and server, nothing to do."""
    request = f"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()
    queue = (Sending("", request) for _ in itertools.count())
    return asyncio.run(send_all(queue, port, time.perf_counter() + seconds, cuts=False))


def main(dispatches: int, seconds: float) -> None:
    """Prints a line per measurement and what the database holds in the end."""
    prepare()
    from django.db import connection

    from core.audit.acting import SYSTEM
    from core.exchange.services import load_folder
    from dispatch.models import CheckEvent

    with scratch_database("events") as environment:
        count = EXPERTS * PLANNED_PER_EXPERT
        with tempfile.TemporaryDirectory() as folder:
            month = Month(dispatches)
            month.write(Path(folder))
            assert load_folder(folder, actor=SYSTEM).ok
        with tempfile.TemporaryDirectory() as folder:
            planned(Path(folder), month, count)
            assert load_folder(folder, actor=SYSTEM).ok
        tokens = give_tokens()
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        before = CheckEvent.objects.count()
        print(
            f"check events: {dispatches + count:,} dispatches, {EXPERTS:,} experts, {CLIENTS} clients at once"
        )
        sent: list[Sending] = []
        for processes in (1, 2):
            port = free_port()
            everything = iter(sendings(tokens, count * 2, port))
            # the second server gets what the first one has not had
            for _ in range(len(sent)):
                next(everything)
            server = serve(environment, processes, port)
            try:
                bound(port, 3)  # until every process has loaded the program; not counted
                print(bound(port, seconds / 4).line(f"{processes} process(es), /healthz (bound)"))
                queue = _kept(everything, sent)
                began = len(sent)
                first = asyncio.run(send_all(queue, port, time.perf_counter() + seconds, cuts=True))
                print(first.line(f"{processes} process(es), new events"))
                began_steady = len(sent)
                until = time.perf_counter() + seconds / 2
                steady = asyncio.run(send_all(queue, port, until, cuts=False, rate=STEADY))
                print(steady.line(f"{processes} process(es), {STEADY} new events a second"))
                again = iter(sent[began:began_steady])
                second = asyncio.run(send_all(again, port, time.perf_counter() + seconds, cuts=False))
                print(second.line(f"{processes} process(es), the same again"))
            finally:
                server.terminate()
                server.wait(60)
        held = CheckEvent.objects.count() - before
        ids = {sending.event_id for sending in sent}
        found = CheckEvent.objects.filter(event_id__in=list(ids)).count()
        print(
            f"  sent {len(ids):,} different events, the database holds {held:,} new ones, {found:,} of them ours"
        )
        if not len(ids) == held == found:
            raise SystemExit("events were lost or doubled")


def _kept(queue: Iterator[Sending], sent: list[Sending]) -> Iterator[Sending]:
    for sending in queue:
        sent.append(sending)
        yield sending


if __name__ == "__main__":
    main(
        int(sys.argv[1]) if len(sys.argv) > 1 else 115_000,
        float(sys.argv[2]) if len(sys.argv) > 2 else float(os.environ.get("BENCH_SECONDS", "20")),
    )
