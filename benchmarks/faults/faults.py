"""The faults: what is broken, when, how it is brought back; and the row of the report that comes of each."""

import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from .close import Close
from .counting import Store
from .instance import Instance, wait_until
from .mailserver import MailServer
from .people import Seen

COMPUTING, APPROVING, EXPORTING = "計算中", "承認の送信中", "出力中"
_BACK_SECONDS = 120


@dataclass(frozen=True)
class Fault:
    """One way to break something. `down`: how long it stays so before it is brought back."""

    kind: str
    what: str
    moments: tuple[str, ...]
    breaks: Callable[[], None]
    mends: Callable[[], None]
    down: tuple[float, float] = (1.5, 3.5)


@dataclass
class Row:
    """One fault at one moment: what was acknowledged around it, what is there, what people saw."""

    kind: str
    what: str
    moment: str
    offset: float
    month: str
    acknowledged: dict[str, int] = field(default_factory=dict)
    lost: int = 0
    doubled: int = 0
    mails: int = 0
    mails_doubled: int = 0
    unsure: int = 0
    payouts: int = 0
    attempts: int = 0
    pages_back: float | None = None
    work_back: float | None = None
    close_back: float | None = None
    said: Counter[tuple[int, str, bool]] = field(default_factory=Counter)
    refused: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    # what was acknowledged between these moments is counted here
    since: float = 0.0
    until: float = 0.0
    same_files: bool = False

    def line(self) -> str:
        """For whoever watches."""
        kept = "・".join(f"{count}" for count in self.acknowledged.values())
        back = "–" if self.pages_back is None else f"{self.pages_back:.1f}"
        work = "–" if self.work_back is None else f"{self.work_back:.1f}"
        close = "–" if self.close_back is None else f"{self.close_back:.1f}"
        return (
            f"{self.what} / {self.moment} +{self.offset:.2f}s: 受付 {kept} 失 {self.lost} 重 {self.doubled} 支払 {self.payouts}"
            f" 画面 {back}s メール {work}s 締め {close}s（{self.attempts}回）"
            + "".join(f"\n    ! {problem}" for problem in self.problems)
        )


def faults(instance: Instance) -> list[Fault]:
    """All of them, in the order in which they are tried; disks last, because they stay small."""
    database = instance.folder / "var" / "postgres" / "data"
    files = [instance.var / "evidence", instance.var / "exports"]

    def fill(*places: object) -> Callable[[], None]:
        return lambda: [instance.fill(place) for place in places] and None  # type: ignore[arg-type,func-returns-value]

    def free(*places: object) -> Callable[[], None]:
        def mend() -> None:
            for place in places:
                instance.free(place)  # type: ignore[arg-type]
            instance.start_servers()

        return mend

    def stops(name: str) -> Callable[[], None]:
        return lambda: instance.kill(name)

    def starts(name: str) -> Callable[[], None]:
        return lambda: instance.start(name)

    def fill_log() -> None:
        instance.fill(database / "pg_wal")
        _use_up_log(instance)

    servers = instance.start_servers
    return [
        Fault("web", "Web（gunicorn と子を SIGKILL）", (COMPUTING, APPROVING, EXPORTING), stops("web"), starts("web")),
        Fault("worker", "worker（ジョブ。親子を SIGKILL）", (COMPUTING, EXPORTING), stops("worker"), starts("worker")),
        Fault("worker", "quick（メールと見回りの worker。親子を SIGKILL）", (APPROVING,), stops("quick"), starts("quick")),
        Fault("beat", "beat（SIGKILL）", (COMPUTING,), stops("beat"), starts("beat")),
        Fault("redis", "Redis（SIGKILL、中身はすべて消える）", (COMPUTING, EXPORTING), instance.kill_redis, servers),
        Fault("database", "データベース（postmaster を SIGKILL）", (COMPUTING,),
              lambda: instance.signal_postmaster(signal.SIGKILL), servers),
        Fault("database", "データベース（即時停止 SIGQUIT）", (APPROVING,),
              lambda: instance.signal_postmaster(signal.SIGQUIT), servers),
        Fault("database", "データベース（接続の処理 1 つを SIGKILL、自分で立ち直る）", (EXPORTING,),
              instance.kill_backend, servers),
        Fault("files", "ファイルの置き場所（証跡・出力）が満杯", (EXPORTING,), fill(*files), free(*files), (6, 8)),
        Fault("wal", "データベースのログ（WAL）の置き場所が満杯", (COMPUTING,), fill_log, free(database / "pg_wal"),
              (6, 8)),
        Fault("data", "データベースの表の置き場所が満杯", (COMPUTING,), fill(database / "base"),
              free(database / "base"), (8, 10)),
    ]  # fmt: skip


def _use_up_log(instance: Instance) -> None:
    """Lets the database come to the end of the log it has room for: a busy day does that by itself."""
    import psycopg

    end = time.monotonic() + 20
    while time.monotonic() < end:
        try:
            with psycopg.connect(
                instance.addresses.superuser_url, autocommit=True, connect_timeout=2
            ) as link:
                for _ in range(50):
                    link.execute("SELECT pg_logical_emit_message(false, 'faults', repeat('x', 500000))")
        except psycopg.Error:
            return


class Scene:
    """One month closed while one kind of fault happens."""

    def __init__(
        self,
        instance: Instance,
        store: Store,
        mails: MailServer,
        seen: Seen,
        close: Close,
        seconds: dict[str, float],
    ) -> None:
        self.instance, self.store, self.mails = instance, store, mails
        self.seen, self.close, self.seconds = seen, close, seconds

    def play(self, faults: list[Fault], chance: random.Random) -> list[Row]:
        """Computes, approves and exports; breaks what is to be broken at each step. Answers the rows."""
        by_moment = {moment: fault for fault in faults for moment in fault.moments}
        rows = []
        for moment, step in (
            (COMPUTING, self._compute),
            (APPROVING, self._approve),
            (EXPORTING, self._export),
        ):
            fault = by_moment.get(moment)
            row = None
            if fault is not None:
                row = Row(fault.kind, fault.what, moment, 0, self.close.run)
                rows.append(row)
            step(fault, row, chance)
        return rows

    def _compute(self, fault: Fault | None, row: Row | None, chance: random.Random) -> None:
        self._job("compute_run", "compute", self.seconds["compute"], ("computed",), fault, row, chance)

    def _export(self, fault: Fault | None, row: Row | None, chance: random.Random) -> None:
        self._job("export_run", "export", self.seconds["export"], ("exported",), fault, row, chance)

    def _job(
        self,
        kind: str,
        act: str,
        length: float,
        wanted: tuple[str, ...],
        fault: Fault | None,
        row: Row | None,
        chance: random.Random,
    ) -> None:
        self.close.ask(act)
        if fault is None or row is None:
            self.close.finish(kind, act, wanted)
            return
        if fault.kind == "redis":
            # the message itself is what Redis may lose, so right after asking
            row.offset = chance.uniform(0, 0.1)
        else:
            self.close.under_way(kind)
            row.offset = chance.uniform(0.05, max(0.1, length))
        time.sleep(row.offset)
        self._break(fault, row, chance)
        mended = time.monotonic()
        done = self.close.finish(kind, act, wanted)
        self._judge(row, mended)
        row.close_back = done["seconds"]
        row.attempts, row.refused = done["attempts"], done["said"]
        if done["seconds"] is None:
            row.problems.append(f"ジョブ {kind} が終わりませんでした")

    def _approve(self, fault: Fault | None, row: Row | None, chance: random.Random) -> None:
        if fault is None or row is None:
            self.close.approve()
            return
        sending = threading.Event()
        thread = threading.Thread(target=self.close.approve, args=(sending,), daemon=True)
        thread.start()
        sending.wait(30)
        row.offset = chance.uniform(0.01, 0.4)
        time.sleep(row.offset)
        self._break(fault, row, chance)
        mended = time.monotonic()
        thread.join(_BACK_SECONDS)
        row.close_back = time.monotonic() - mended
        if thread.is_alive():
            row.problems.append("承認が終わりませんでした")
        self._judge(row, mended)

    def _break(self, fault: Fault, row: Row, chance: random.Random) -> None:
        row.problems.clear()
        self._began = time.monotonic()
        fault.breaks()
        time.sleep(chance.uniform(*fault.down))
        fault.mends()

    def _judge(self, row: Row, mended: float) -> None:
        """How long until everything is back, and what people met meanwhile."""
        seen = self.seen
        for kind in ("pages", "events", "files"):
            wait_until(lambda kind=kind: seen.last(kind) > mended, _BACK_SECONDS)  # type: ignore[misc]
        firsts = [self._first(kind, mended) for kind in ("pages", "events", "files")]
        row.pages_back = None if None in firsts else max(first for first in firsts if first is not None)
        row.work_back = self._mail_after(mended)
        if row.pages_back is None:
            row.problems.append("画面・チェックイン・領収書のどれかが戻りませんでした")
        if row.work_back is None:
            row.problems.append("メールの送信が戻りませんでした")
        row.said = seen.headings(self._began)
        row.until = time.monotonic()
        unclear = [f"{status} {heading}" for status, heading, clear in row.said if not clear]
        row.problems += [f"分かりにくい表示: {page}" for page in unclear]

    def _first(self, kind: str, since: float) -> float | None:
        with self.seen.lock:
            values = getattr(self.seen, kind)
            moments = values.values() if isinstance(values, dict) else values
            later = [moment - since for moment in moments if moment > since]
        return min(later) if later else None

    def _mail_after(self, mended: float) -> float | None:
        """Seconds until a mail had left that was asked for afterwards."""
        moments: list[float] = []

        def left() -> bool:
            with self.seen.lock:
                fresh = [text for text, moment in self.seen.questions.items() if moment > mended]
            numbers = self.store.mails_of(fresh)
            with self.mails.lock:
                moments[:] = [
                    self.mails.moments[number] for number in numbers if number in self.mails.moments
                ]
            return bool(moments)

        return None if wait_until(left, _BACK_SECONDS) is None else max(0.0, min(moments) - mended)


def _between(row: Row, kept: dict[str, float]) -> list[str]:
    return [name for name, moment in kept.items() if row.since < moment <= row.until]


def count(row: Row, store: Store, seen: Seen) -> None:
    """Looks up what was acknowledged in the row's time: each must be there, once, and readable."""
    with seen.lock:
        events, files, questions = (_between(row, kept) for kept in (seen.events, seen.files, seen.questions))
    row.acknowledged = {"events": len(events), "files": len(files), "questions": len(questions)}
    found_events, found_questions = store.events(events), store.questions(questions)
    receipts = store.receipts(files)
    sent = store.mails_of(questions)
    letters = Counter(question for question, _ in sent.values())
    lost = [name for name in events if not found_events[name]]
    lost += [name for name in questions if not found_questions[name] or not letters[name]]
    lost += [name for name in files if name not in receipts]
    unreadable = store.unreadable(receipts)
    row.lost = len(lost) + len(unreadable)
    row.doubled = sum(
        times > 1
        for counted in (found_events, found_questions, letters, {k: len(v) for k, v in receipts.items()})
        for times in counted.values()
    )
    if row.lost:
        row.problems.append(f"失われたもの {row.lost}件（開けないファイル {len(unreadable)}件）")
    if row.doubled:
        row.problems.append(f"二重のもの {row.doubled}件")


def count_mails(row: Row, store: Store, mails: MailServer, seen: Seen) -> None:
    """What became of the mails of the row's questions, once none of them is on its way any more."""
    with seen.lock:
        questions = _between(row, seen.questions)
    sent, taken = store.mails_of(questions), mails.count()
    row.mails = sum(taken[number] > 0 for number in sent)
    row.mails_doubled = sum(taken[number] > 1 for number in sent)
    row.unsure = sum(state == "unsure" for _, state in sent.values())
    missing = sum(state == "sent" and not taken[number] for number, (_, state) in sent.items())
    if row.mails_doubled:
        row.problems.append(f"二重に送ったメール {row.mails_doubled}通")
    if missing:
        row.problems.append(f"送信済なのに届いていないメール {missing}通")
