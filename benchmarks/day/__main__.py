"""`python -m benchmarks.day`: the day with one web process, then with two; docs/evidence/day.md and day.json.

DAY_SECONDS (180) is how long each lasts, DAY_LOCUST the locust to use (.venv-day/bin/locust; make day brings it).
Ends with 1 when somebody met an answer they shouldn't have, or an event that was acknowledged is missing.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.day.instance import OFFICE_ADDRESS, DayInstance
from benchmarks.day.report import write_report
from benchmarks.evidence import circumstances, warning
from benchmarks.faults.instance import HOST, CannotRun
from benchmarks.scratch import ROOT

SECONDS = int(os.environ.get("DAY_SECONDS", "180"))
LOCUST = os.environ.get("DAY_LOCUST", str(ROOT / ".venv-day" / "bin" / "locust"))
PART = os.environ.get("DAY_PART", "1")
# Within so many seconds everybody has come.
ARRIVING = 75


def _crowd(instance: DayInstance, name: str) -> dict[str, Any]:
    """Everybody for so long; what locust measured, and how the machine was used."""
    from benchmarks.day import story

    result = instance.folder / f"{name}.json"
    environment = {
        "PATH": os.environ["PATH"],
        "DAY_PEOPLE": str(instance.folder / "story" / "people.json"),
        "DAY_HOST": HOST,
        "DAY_PASSWORD": story.PASSWORD,
        "DAY_TOTP_SECRET": story.TOTP_SECRET,
        "DAY_OFFICE_ADDRESS": OFFICE_ADDRESS,
        "DAY_ARRIVING": str(ARRIVING),
        "DAY_RESULT": str(result),
        "DAY_PART": PART,
        "DAY_SHARE": name,
    }
    everybody = story.OFFICE + story.INSTITUTIONS + story.EXPERTS
    command = [LOCUST, "-f", str(ROOT / "benchmarks" / "day" / "people.py"), "--headless", "--only-summary"]
    command += ["--users", str(everybody), "--spawn-rate", str(everybody), "--run-time", f"{SECONDS}s"]
    command += [
        "--stop-timeout",
        "20",
        "--loglevel",
        "WARNING",
        "--host",
        f"https://127.0.0.1:{instance.tls_port}",
    ]
    with (instance.log / f"locust-{name}.log").open("wb") as output:
        # its exit status tells of errors; they are in the result
        subprocess.run(
            command, env=environment, cwd=instance.folder, stdout=output, stderr=output, check=False
        )
    if not result.exists():
        raise CannotRun(f"locust:\n{instance.tail(f'locust-{name}')}")
    return {
        **json.loads(result.read_text()),
        "connections": _connections(instance),
        "load": os.getloadavg()[0],
    }


def _connections(instance: DayInstance) -> int:
    import psycopg

    with psycopg.connect(instance.addresses.superuser_url) as connection:
        found = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = 'dispatch' AND backend_type = 'client backend'"
        ).fetchone()
    return int(found[0]) if found else 0


def _failed_jobs(instance: DayInstance) -> list[list[Any]]:
    """Kind, how many, and the last line of what they ended with."""
    import psycopg

    with psycopg.connect(instance.addresses.superuser_url) as connection:
        found = connection.execute(
            "SELECT kind, count(*), max(regexp_replace(rtrim(message || E'\\n' || error), '.*\\n', ''))"
            " FROM jobs_job WHERE status = 'failed' GROUP BY kind ORDER BY kind"
        ).fetchall()
    return [list(row) for row in found]


def _kept(instance: DayInstance) -> dict[str, int]:
    """What the database holds in the end of what was done."""
    import psycopg

    counted = {
        "チェックイン・アウト": "SELECT count(*) FROM dispatch_checkeventextra",
        "申請": "SELECT count(*) FROM dispatch_dispatchapplication",
        "照会": "SELECT count(*) FROM dispatch_inquiry",
        "承認": "SELECT count(*) FROM dispatch_statuschange WHERE action = 'approve'",
        "サインイン": "SELECT count(*) FROM accounts_signinevent WHERE kind = 'signed_in' AND address IS NOT NULL",
        "失敗したジョブ": "SELECT count(*) FROM jobs_job WHERE status = 'failed'",
        "待ったまま止まった接続": "SELECT deadlocks FROM pg_stat_database WHERE datname = 'dispatch'",
    }
    with psycopg.connect(instance.addresses.superuser_url) as connection:
        return {name: int(connection.execute(sql).fetchone()[0]) for name, sql in counted.items()}  # type: ignore[index]


def main() -> int:
    """Both halves on one installation; the second begins when the first has ended."""
    if not Path(LOCUST).exists():
        print(f"locust がありません: {LOCUST}（make day）", file=sys.stderr)
        return 1
    facts, busy = circumstances(), warning()
    instance = DayInstance()
    try:
        instance.prepare()
        folder = instance.folder / "story"
        folder.mkdir()
        told = subprocess.run(
            [sys.executable, "-m", "benchmarks.day.story", str(folder)],
            cwd=ROOT,
            env=instance.development,
            check=False,
        )
        if told.returncode:
            raise CannotRun("データを用意できません。")
        instance.start_all()
        halves = {"1": _crowd(instance, "1")}
        instance.start_second_web()
        halves["2"] = _crowd(instance, "2")
        kept, failed = _kept(instance), _failed_jobs(instance)
    except CannotRun as why:
        print(why, file=sys.stderr)
        return 1
    finally:
        instance.end()
    return write_report(halves, kept, failed, SECONDS, facts, busy)


if __name__ == "__main__":
    sys.exit(main())
