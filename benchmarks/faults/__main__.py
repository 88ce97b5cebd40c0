"""`python -m benchmarks.faults`: see the package."""

import argparse
import itertools
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from benchmarks.scratch import ROOT

from . import report
from .close import Close
from .counting import Store
from .faults import Row, Scene, count, faults
from .instance import CannotRun, Instance, wait_until
from .mailserver import MailServer
from .people import Browser, Crowd, Seen, asker, phone, uploader, watcher
from .story import COMING, EXPERTS, MONTHS, UPLOADERS, People, coming_number

PHONES = 5
# No new kind is begun after so many seconds; the whole stays below ten minutes. A busy machine may be given more.
LATEST_SECONDS = float(os.environ.get("FAULTS_SECONDS", "480"))


def say(line: str) -> None:
    """Prints at once."""
    print(line, flush=True)


def module(instance: Instance, name: str, *arguments: str, **environment: str) -> str:
    """Runs a module of this package in a process of its own on the instance; answers what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.faults.{name}", *arguments],
        cwd=ROOT,
        env={**instance.development, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise CannotRun(f"{name}: {done.stderr.strip()[-1500:]}")
    return done.stdout


def reference(instance: Instance, months: list[str]) -> tuple[Path, dict[str, dict[str, float]]]:
    """Closes the months on a copy of the database; answers the folder of files and the seconds."""
    import psycopg

    owner = instance.addresses.superuser_url.replace("/dispatch?", "/postgres?")
    with psycopg.connect(owner, autocommit=True) as connection:
        connection.execute(
            "CREATE DATABASE undisturbed OWNER dispatch_owner TEMPLATE dispatch STRATEGY FILE_COPY"
        )
    folder = instance.folder / "undisturbed"
    given = {
        "DATABASE_URL": instance.addresses.database_url,
        "DATABASE_OWNER_URL": instance.addresses.database_owner_url,
        "DATABASE_SEALER_URL": instance.addresses.sealer_url,
        "REDIS_URL": instance.addresses.redis_url,
    }
    there = {name: address.replace("/dispatch?", "/undisturbed?") for name, address in given.items()}
    seconds = json.loads(module(instance, "reference", str(folder), *months, **there))
    with psycopg.connect(owner, autocommit=True) as connection:
        connection.execute("DROP DATABASE undisturbed WITH (FORCE)")
    return folder, seconds


def gather(instance: Instance, people: People, chance: random.Random) -> tuple[Crowd, Seen]:
    """Everybody begins to work."""
    seen = Seen()
    crowd = Crowd(seen)
    port = instance.tls_port
    experts = len(people.tokens)

    def own(place: int) -> Iterator[str]:
        # the dispatches of the expert at this place
        return itertools.cycle([coming_number(n) for n in range(place, COMING, EXPERTS)])

    for place, (_, token) in enumerate(itertools.islice(people.tokens.items(), PHONES)):
        crowd.start(phone, Browser(port, token=token), own(place), random.Random(chance.random()))
    cookies = list(people.experts.values())
    for place in range(UPLOADERS):
        crowd.start(
            uploader, Browser(port, cookies=cookies[place]), own(place), random.Random(chance.random())
        )
    asked = (coming_number(n) for n in range(COMING) if n % EXPERTS >= experts)
    crowd.start(asker, Browser(port, cookies=people.maker), asked, random.Random(chance.random()))
    crowd.start(watcher, Browser(port, cookies=people.maker), "/office/")
    crowd.start(watcher, Browser(port, cookies=cookies[UPLOADERS]), "/expert/")
    return crowd, seen


def draft(month: str) -> bool:
    """The run that is then computed, approved and exported at browsers: the form takes no pay date of the past."""
    import datetime as dt

    from django.db import connections

    from accounts.models import User
    from payments.services import draft_run

    from .story import pay_date

    connections.close_all()
    maker = User.objects.get(username="tanto")
    first = dt.date.fromisoformat(f"{month}-01")
    draft_run(month=first, pay_date=pay_date(month), actor=maker, past_allowed=True)
    return True


def small_disks(instance: Instance, kind: str) -> None:
    """What a kind of fault needs: folders on small disks of their own."""
    if kind in ("wal", "data"):
        from config.servers import postgres

        place = instance.var / "postgres" / "data" / {"wal": "pg_wal", "data": "base"}[kind]
        if kind == "wal":
            instance.forget_old_log()
        postgres.stop(instance.var)
        instance.small_disk(place, {"wal": 200, "data": 400}[kind])
        instance.start_servers()


def finish_mails(store: Store) -> dict[int, str]:
    """Plays what happens ten minutes after a worker died: mails on their way wait again, or for a person."""
    from django.db import connections

    from core.notify import sending

    connections.close_all()
    sending.SILENT = timedelta(0)
    wait_until(lambda: set(store.mail_states().values()) <= {"sent", "unsure", "sending"}, 60)
    time.sleep(2)
    sending.sweep_mails()
    wait_until(lambda: set(store.mail_states().values()) <= {"sent", "unsure"}, 90)
    return store.mail_states()


def play(instance: Instance, seed: int, kinds: list[str]) -> report.Outcome:
    """The whole proof."""
    began = time.monotonic()
    chance = random.Random(seed)
    say("環境を作っています…")
    instance.prepare()
    say(f"データを入れています…（{time.monotonic() - began:.0f} 秒）")
    people = People(**json.loads(module(instance, "story", str(instance.folder / "story")).splitlines()[-1]))
    every = [fault for fault in faults(instance) if not kinds or fault.kind in kinds]
    order = list(dict.fromkeys(fault.kind for fault in every))
    months = dict(zip(order, MONTHS, strict=False))
    say(f"乱さない写しで {len(months)} か月を締めています…（{time.monotonic() - began:.0f} 秒）")
    folder, seconds = reference(instance, list(months.values()))
    mails = MailServer(instance.folder)
    mails.start()
    instance.mail_port = mails.port
    os.environ.update(instance.production)
    import django

    django.setup()
    store = Store(instance)
    if "files" in order:
        # before anybody writes there
        for name in ("evidence", "exports"):
            (instance.var / name).mkdir(mode=0o700)
            instance.small_disk(instance.var / name, 256)
    instance.start_all()
    crowd, seen = gather(instance, people, chance)
    outcome = report.Outcome(seed=seed)
    try:
        wait_until(lambda: seen.pages and seen.events and seen.files and mails.count(), 60)
        say(f"人が使い始めました（{time.monotonic() - began:.0f} 秒）。")
        offices = [Browser(instance.tls_port, cookies=who) for who in (people.maker, people.checker)]
        since = 0.0
        for kind in order:
            if time.monotonic() - began > LATEST_SECONDS:
                outcome.problems.append(f"時間が足りず、{kind} を試せませんでした。")
                continue
            month = months[kind]
            small_disks(instance, kind)
            if wait_until(lambda: draft(month), 30) is None:  # noqa: B023 called at once
                raise CannotRun(f"{month} の支払データを作れません。")
            scene = Scene(instance, store, mails, seen, Close(month, *offices, seen, store), seconds[month])
            rows = scene.play([fault for fault in every if fault.kind == kind], chance)
            since = close_scene(scene, rows, since, folder / month, outcome)
    finally:
        crowd.stopping.set()
    crowd.stop()
    states = finish_mails(store)
    outcome.end(instance, store, mails, seen, states)
    outcome.seconds = time.monotonic() - began
    mails.stop()
    return outcome


def close_scene(
    scene: Scene, rows: list[Row], since: float, reference_files: Path, outcome: report.Outcome
) -> float:
    """Counts what the scene's rows are about; answers the moment until which everything is counted."""
    for row in rows:
        row.since, since = since, row.until
        count(row, scene.store, scene.seen)
    different = scene.close.differences(reference_files)
    payouts = scene.store.payouts(scene.close.run)
    for row in rows:
        row.payouts = payouts
        row.same_files = not different
        say(row.line())
    if different:
        rows[-1].problems.append(f"出力が元と違います: {'、'.join(different[:3])}")
    outcome.rows += rows
    return since


def main() -> int:
    """The command line; 0 when nothing was lost, doubled or unclear."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.faults", description=__doc__)
    parser.add_argument("--seed", type=int, default=119)
    parser.add_argument("--kinds", default="", help="web,worker,beat,redis,database,files,wal,data")
    parser.add_argument("--report", type=Path, default=ROOT / "docs" / "evidence" / "faults.md")
    parser.add_argument("--keep", action="store_true", help="環境を消さずに残す")
    options = parser.parse_args()
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings.production"
    # ended from outside, it still ends what it started
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(130))
    instance = None
    try:
        instance = Instance()
        outcome = play(instance, options.seed, [kind for kind in options.kinds.split(",") if kind])
    except CannotRun as why:
        print(f"エラー: {why}", file=sys.stderr)
        return 2
    finally:
        if instance is not None:
            instance.end(keep=options.keep)
            if options.keep:
                say(f"残した環境: {instance.folder}")
    options.report.parent.mkdir(parents=True, exist_ok=True)
    options.report.write_text(outcome.text(), encoding="utf-8")
    say(f"報告書: {options.report}")
    for problem in outcome.all_problems():
        say(f"問題: {problem}")
    return 1 if outcome.all_problems() else 0


if __name__ == "__main__":
    sys.exit(main())
