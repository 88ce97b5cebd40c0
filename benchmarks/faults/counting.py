"""What the database and the stores hold, read past the application; and files through its own vault."""

import hashlib
from collections import Counter
from collections.abc import Iterable
from typing import Any

import psycopg

from .instance import Instance


class Store:
    """Asks the database on a connection of its own, as the superuser, each time anew."""

    def __init__(self, instance: Instance) -> None:
        self._address = instance.addresses.superuser_url

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        with psycopg.connect(self._address, connect_timeout=5) as connection:
            return connection.execute(sql, values).fetchall()  # type: ignore[call-overload,no-any-return]

    def job(self, kind: str, run: str) -> tuple[str, int, str, int] | None:
        """State, attempts, error and number of the newest job of a run."""
        found = self.rows(
            "SELECT status, attempts, error, id FROM jobs_job WHERE kind = %s AND arguments->>'run' = %s"
            " ORDER BY id DESC LIMIT 1",
            kind,
            run,
        )
        return found[0] if found else None

    def run_status(self, run: str) -> str:
        """Where a run stands."""
        found = self.rows("SELECT status FROM payments_payoutrun WHERE name = %s", run)
        return str(found[0][0]) if found else ""

    def events(self, names: Iterable[str]) -> Counter[str]:
        """How often each of these events stands there."""
        sql = "SELECT event_id, count(*) FROM dispatch_checkevent WHERE event_id = ANY(%s) GROUP BY 1"
        return Counter(dict(self.rows(sql, list(names))))

    def questions(self, texts: Iterable[str]) -> Counter[str]:
        """How often each question was asked."""
        sql = "SELECT question, count(*) FROM dispatch_inquiry WHERE question = ANY(%s) GROUP BY 1"
        return Counter(dict(self.rows(sql, list(texts))))

    def mails_of(self, texts: Iterable[str]) -> dict[int, tuple[str, str]]:
        """Number → (question, state) of the mails about these questions, found by their dispatch and task."""
        sql = """
            SELECT m.id, i.question, m.state
              FROM dispatch_inquiry i
              JOIN notify_task t ON t.object = 'dispatch.dispatch:' || i.dispatch_id AND t.code = 'dispatch_inquiry'
              JOIN notify_mail m ON m.key LIKE 'task:' || t.id || ':%%'
             WHERE i.question = ANY(%s)
        """
        return {number: (question, state) for number, question, state in self.rows(sql, list(texts))}

    def mail_states(self) -> dict[int, str]:
        """The state of every mail, by its number."""
        return dict(self.rows("SELECT id, state FROM notify_mail"))

    def receipts(self, keys: Iterable[str]) -> dict[str, list[tuple[str, str]]]:
        """Stored name and SHA-256 of what is kept, by the sender's key."""
        found: dict[str, list[tuple[str, str]]] = {}
        sql = "SELECT key, stored_name, kept_sha256 FROM dispatch_receipt WHERE key = ANY(%s)"
        for key, stored, digest in self.rows(sql, list(keys)):
            found.setdefault(key, []).append((stored, digest))
        return found

    def unreadable(self, receipts: dict[str, list[tuple[str, str]]]) -> list[str]:
        """Keys of receipts whose file is not there, or not what was kept."""
        from dispatch import receipt_files

        wrong = []
        for key, rows in receipts.items():
            for stored, digest in rows:
                try:
                    with (
                        receipt_files.opened(stored) as file,
                        receipt_files.opened_thumbnail(stored) as small,
                    ):
                        if hashlib.sha256(file.read()).hexdigest() == digest and small.read():
                            continue
                except Exception:  # noqa: BLE001 whatever the reason: it can't be read
                    pass
                wrong.append(key)
        return wrong

    def run_files(self, run: str) -> dict[str, bytes]:
        """The files of a run as they wait for download."""
        from payments.models import PayoutRun
        from payments.services.export import downloads

        vault = downloads(PayoutRun(name=run))
        names = self.rows(
            "SELECT f.name FROM payments_runfile f JOIN payments_payoutrun r ON r.id = f.run_id WHERE r.name = %s",
            run,
        )
        found = {}
        for (name,) in names:
            with vault.open(name) as file:
                found[name] = file.read()
        return found

    def payouts(self, run: str) -> int:
        """How many people a run pays."""
        sql = "SELECT count(*) FROM payments_payout p JOIN payments_payoutrun r ON r.id = p.run_id WHERE r.name = %s"
        return int(self.rows(sql, run)[0][0])

    def paid_twice(self) -> int:
        """Dispatches with more than one fee line, and experts with more than one payout of a run."""
        lines = self.rows(
            "SELECT 1 FROM payments_payoutline WHERE item = '謝金' GROUP BY dispatch_id HAVING count(*) > 1"
        )
        payouts = self.rows("SELECT 1 FROM payments_payout GROUP BY run_id, expert_code HAVING count(*) > 1")
        return len(lines) + len(payouts)

    def open_jobs(self) -> int:
        """Jobs that wait or run."""
        return int(self.rows("SELECT count(*) FROM jobs_job WHERE status IN ('queued', 'running')")[0][0])
