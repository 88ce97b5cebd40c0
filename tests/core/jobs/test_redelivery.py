"""The broker delivers a message again, late, to two workers at once, or after its worker died: nothing is done twice.

Every kind of job says here what it leaves (`STATEMENTS`); a new kind without a statement fails.
"""

import datetime as dt
import io
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.db import connection, connections

sys.path.append(str(Path(__file__).resolve().parents[2] / "dispatch"))
sys.path.append(str(Path(__file__).resolve().parents[2] / "experts" / "renewal"))
sys.path.append(str(Path(__file__).resolve().parents[2] / "experts" / "appointment"))

import stage as stages
from appointing import ISSUER, Spring
from campaign import Year

from accounts.models import SignInEvent, User
from accounts.tasks import queue_sign_in_mails
from config.celery import app
from core import clock
from core.audit.models import Change
from core.audit.sealing import seal_audit
from core.exchange.models import Load
from core.exchange.registry import table_named
from core.exports.models import Export
from core.exports.services import request_export
from core.exports.services import store as exports
from core.files.vault import random_name
from core.jobs import services
from core.jobs.models import Job
from core.jobs.registry import KINDS
from core.notify.models import Mail, Task
from dispatch.models import Dispatch, Finding, ReviewSignal
from experts.appointment import issuing
from experts.appointment.models import Letter, Round
from experts.renewal.models import Ask, Link
from institutions.models import Institution, Roster
from institutions.roster.services import take_roster
from office.tasks import uploads
from payments.models import Payout, PayoutLine, PayoutRun, RunFile
from payments.services import approve_run, compute_run, draft_run, drop_run
from payments.services.export import downloads

app.loader.import_default_modules()

Prepare = Callable[[stages.Stage], Job]
# Bookkeeping of the jobs themselves, and what no message changes.
_ASIDE = ("jobs_job", "banks_", "django_", "staging_", "auth_", "programme_")


class Died(BaseException):
    """The worker's end, between the commit of the work and the end of its job."""


@dataclass(frozen=True)
class Statement:
    """A kind of job: how one comes to wait, what it leaves, and what becomes of it when its worker died after the work."""

    prepare: Prepare
    left: Callable[[], Any]
    # whether the sweep lets it run again by itself; else a person is asked
    again: bool = True
    ends: str = "done"


def _run(stage: stages.Stage) -> PayoutRun:
    stage.approved()
    stage.travel(stages.at("08-02 09:00"))
    month, pay_date = dt.date(2021, 7, 1), dt.date(2021, 8, 25)
    return draft_run(month=month, pay_date=pay_date, actor=stage.operator)


def _job_of_run(kind: str, run: PayoutRun, stage: stages.Stage) -> Job:
    arguments = {"run": run.name, "actor": stage.operator.pk}
    return services.queue_job(kind=kind, title=run.name, arguments=arguments, actor=stage.operator)


def _compute(stage: stages.Stage) -> Job:
    return _job_of_run("compute_run", _run(stage), stage)


def _computed() -> Any:
    runs = PayoutRun.objects.values_list("name", "status", "digest", "net", "dispatch_count")
    lines = PayoutLine.objects.values_list("dispatch", "item", "line_no", "amount")
    return list(runs), sorted(lines), Payout.objects.count()


def _approved_run(stage: stages.Stage) -> PayoutRun:
    run = compute_run(run=_run(stage), actor=stage.operator)
    return approve_run(run=run, actor=stage.approver)


def _export(stage: stages.Stage) -> Job:
    return _job_of_run("export_run", _approved_run(stage), stage)


def _exported() -> Any:
    run = PayoutRun.objects.get()
    files = sorted(path.name for path in downloads(run).folder.iterdir())
    return run.status, run.exported_at, sorted(RunFile.objects.values_list("name", "sha256")), files


def _check(stage: stages.Stage) -> Job:
    stage.reported()
    return services.queue_job(kind="check_month", title="確認", arguments={}, actor=stage.operator)


def _checked() -> Any:
    return sorted(Finding.objects.values_list("dispatch", "code", "reason"))


def _load(stage: stages.Stage) -> Job:
    stored = random_name()
    uploads().save(
        stored, [stages.FILES["companies.csv"].replace("試験製作所", "新しい名").encode("utf-8-sig")]
    )
    arguments = {"uploads": {"companies.csv": stored}, "dry_run": False, "actor": stage.operator.pk}
    return services.queue_job(kind="load_exchange", title="取込", arguments=arguments, actor=stage.operator)


def _loaded() -> Any:
    written = Change.objects.filter(table="dispatch_company").count()
    return Load.objects.count(), written, sorted(path.name for path in uploads().folder.glob("*"))


def _prepare_export(stage: stages.Stage) -> Job:
    request_export(
        actor=stage.operator, table=table_named("companies"), ending="csv", purpose="支援先の一覧の確認のため"
    )
    return Job.objects.get(kind="prepare_export")


def _prepared() -> Any:
    return (
        list(Export.objects.values_list("status", "row_count", "sha256")),
        len(list(exports().folder.iterdir())),
    )


def _verify(stage: stages.Stage) -> Job:
    return services.queue_job(kind="verify_audit", title="検証", arguments={}, actor=stage.operator)


def _alarms() -> Any:
    return sorted(Task.objects.values_list("code", "object", "role"))


def _look(stage: stages.Stage) -> Job:
    stage.reported()
    return services.queue_job(kind="look_for_signals", title="兆候", arguments={}, actor=stage.operator)


def _roster(stage: stages.Stage) -> Job:
    text = """機関コード,機関名,機関区分,都道府県コード,電話番号,地域PFコード,地域PF名,地域PF役割
A1,甲商工会,商工会,13,03-1,P1,見本PF,代表
A2,乙商工会議所,商工会議所,13,03-2,P1,見本PF,構成
A3,丙商工会,商工会,13,03-3,P1,見本PF,構成
A4,丁商工会,商工会,13,03-4,P1,見本PF,構成
"""
    roster = take_roster(
        file=io.BytesIO(text.encode("utf-8-sig")),
        name="名簿.csv",
        kind="platforms",
        effective_on=clock.today(),
        key="k",
        actor=stage.operator,
    )
    arguments = {"roster": roster.pk, "version": roster.version, "actor": stage.operator.pk}
    return services.queue_job(kind="apply_roster", title="名簿", arguments=arguments, actor=stage.operator)


def _applied() -> Any:
    return (
        list(Roster.objects.values_list("state", "ended_at")),
        sorted(Institution.objects.values_list("code", "name")),
        Change.objects.filter(table="institutions_institution").count(),
        User.objects.count(),
    )


def _renewal(stage: stages.Stage) -> Job:
    stage.travel(Year.at("2022-02-01 09:00"))
    wave = Year(stage).begun()
    return Job.objects.get(pk=wave.job_id)


def _asked() -> Any:
    return sorted(Mail.objects.values_list("key", flat=True)), Ask.objects.count(), Link.objects.count()


def _appointments(stage: stages.Stage) -> Job:
    stage.travel(Spring.at("2022-04-01 09:00"))
    sending = Spring(stage).begun()
    return Job.objects.get(pk=sending.job_id)


def _mailed() -> Any:
    return sorted(Mail.objects.values_list("key", flat=True)), Task.objects.count()


def _letters(stage: stages.Stage) -> Job:
    stage.travel(Spring.at("2022-04-01 09:00"))
    spring = Spring(stage)
    spring.opened()
    for code in ("E1", "E2"):
        spring.answer(code)
    row = Round.objects.get()
    issuing.queue_issue(
        round=row, issued_on=clock.today(), version=row.version, actor=stage.approver, **ISSUER
    )
    return Job.objects.get(kind="issue_letters")


def _issued() -> Any:
    return sorted(Letter.objects.values_list("number", "appointment")), sorted(
        Mail.objects.values_list("key", flat=True)
    )


STATEMENTS = {
    "compute_run": Statement(_compute, _computed),
    "export_run": Statement(_export, _exported),
    "check_month": Statement(_check, _checked),
    "load_exchange": Statement(_load, _loaded, again=False),
    "prepare_export": Statement(_prepare_export, _prepared),
    # the worst that it can leave: an alarm
    "verify_audit": Statement(_verify, _alarms, ends="failed"),
    "look_for_signals": Statement(_look, lambda: sorted(ReviewSignal.objects.values_list("kind", "key"))),
    "apply_roster": Statement(_roster, _applied),
    "send_renewal": Statement(_renewal, _asked),
    "send_appointments": Statement(_appointments, _mailed),
    "issue_letters": Statement(_letters, _issued),
}
EVERY = pytest.mark.parametrize("kind", STATEMENTS)


@pytest.fixture
def stage(db: None, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[stages.Stage]:
    """Institution, experts, clients and people on 2021-07-01, with folders of this test's own."""
    settings.UPLOAD_DIR = tmp_path / "uploads"
    monkeypatch.setattr("core.audit.tasks.protection.problems", lambda: ["試験の異常"])
    settings.MFA_REQUIRED = False
    with time_machine.travel(stages.at("07-01 09:00"), tick=False) as traveller:
        yield stages.build(traveller)


def everything() -> dict[str, tuple[int, str]]:
    """Every row of every table a message could have changed, as a digest."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
            " AND has_table_privilege(oid, 'SELECT') ORDER BY relname"
        )
        tables = [name for (name,) in cursor.fetchall() if not name.startswith(_ASIDE)]
        cursor.execute(
            " UNION ALL ".join(
                f"SELECT '{name}', count(*), coalesce(sum(hashtextextended(t::text, 0)::numeric), 0)::text FROM {name} t"
                for name in tables
            )
        )
        return {name: (count, digest) for name, count, digest in cursor.fetchall()}


def delivered(job: Job) -> Job:
    """The message reaches a worker."""
    services.execute_job(job.pk)
    return Job.objects.get(pk=job.pk)


def test_every_kind_of_job_is_stated_here() -> None:
    assert {kind for kind in KINDS if not kind.startswith("test_")} == set(STATEMENTS)


@pytest.mark.django_db
@EVERY
def test_a_message_that_comes_again_changes_nothing(stage: stages.Stage, kind: str) -> None:
    job = STATEMENTS[kind].prepare(stage)
    assert job.kind == kind
    done = delivered(job)
    assert (done.status, done.attempts) == (STATEMENTS[kind].ends, 1), done.error
    before, row = everything(), Job.objects.filter(pk=job.pk).values().get()
    for _ in range(2):
        delivered(job)
    assert everything() == before
    assert Job.objects.filter(pk=job.pk).values().get() == row


@pytest.mark.django_db
@EVERY
def test_a_worker_that_dies_between_commit_and_acknowledgement_leaves_its_work_done_once(
    stage: stages.Stage, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    statement = STATEMENTS[kind]
    job = statement.prepare(stage)

    def dies(*_: Any, **__: Any) -> bool:
        raise Died

    with monkeypatch.context() as patched, pytest.raises(Died):
        patched.setattr(services, "_end", dies)
        services.execute_job(job.pk)
    assert Job.objects.get(pk=job.pk).status == "running"
    left = statement.left()
    # the broker gives the message to another worker at once: the job is not waiting, so nothing happens
    assert delivered(job).attempts == 1
    stage.travel(clock.now() + services.SILENT + dt.timedelta(seconds=5))
    with monkeypatch.context() as patched:
        # the sweep looks at the job's lock for as long as its transaction lasts, which here is the whole test
        patched.setattr(services, "lock_key", lambda pk: (0, pk))
        assert services.sweep_jobs() == 1
    swept = Job.objects.get(pk=job.pk)
    if not statement.again:
        assert (swept.status, "内容を確認して" in swept.error) == ("failed", True)
        services.requeue_job(job=swept, actor=stage.operator)
    delivered(job)
    assert Job.objects.get(pk=job.pk).status == (statement.ends if statement.again else "failed")
    assert statement.left() == left


@pytest.mark.django_db
@EVERY
def test_a_message_that_comes_after_its_job_was_cancelled_changes_nothing(
    stage: stages.Stage, kind: str
) -> None:
    job = STATEMENTS[kind].prepare(stage)
    services.cancel_job(job=job, actor=stage.operator)
    before = everything()
    assert delivered(job).status == "cancelled"
    assert everything() == before


@pytest.mark.django_db
def test_a_calculation_that_comes_after_the_approval_is_refused_and_changes_nothing(
    stage: stages.Stage,
) -> None:
    run = _run(stage)
    late = _job_of_run("compute_run", run, stage)
    approve_run(run=compute_run(run=run, actor=stage.operator), actor=stage.approver)
    before = everything()
    job = delivered(late)
    assert (job.status, "計算し直せません" in job.error) == ("failed", True)
    assert everything() == before


@pytest.mark.django_db
def test_work_for_a_run_that_was_dropped_is_refused_and_changes_nothing(stage: stages.Stage) -> None:
    run = _run(stage)
    late = [_job_of_run(kind, run, stage) for kind in ("compute_run", "export_run")]
    drop_run(run=run, actor=stage.operator)
    before = everything()
    for job in late:
        assert "破棄されています" in delivered(job).error
    assert everything() == before


@pytest.mark.django_db
def test_a_sign_in_mail_whose_message_comes_twice_is_one_mail(stage: stages.Stage) -> None:
    people = [stage.chief.pk, stage.operator.pk]
    for template in ("sign_in_invitation", "sign_in_reset", "sign_in_locked"):
        for _ in range(3):
            queue_sign_in_mails(template, people, "message-1")
        assert Mail.objects.filter(template=template).count() == 2
    links = SignInEvent.objects.filter(kind=SignInEvent.Kind.LINK_MADE)
    assert links.count() == 4
    queue_sign_in_mails("sign_in_invitation", people, "message-2")
    assert Mail.objects.filter(template="sign_in_invitation").count() == 4


# Timers that work through a login of their own, or look twice before they tell; each with tests of its own.
_TIMERS_ASIDE = {"seal-audit", "keep-audit", "watch-system"}
_TIMERS = sorted(set(settings.CELERY_BEAT_SCHEDULE) - _TIMERS_ASIDE)


@pytest.mark.django_db
def test_a_timer_whose_message_comes_twice_does_its_work_once(stage: stages.Stage) -> None:
    stage.reported()
    stage.applied(
        stage.application(
            stage.case("C2"), planned_from=stages.at("08-20 10:00"), planned_to=stages.at("08-20 12:00")
        )
    )
    stage.travel(stages.at("07-16 10:00"))
    did = []
    for name in _TIMERS:
        timer = app.tasks[settings.CELERY_BEAT_SCHEDULE[name]["task"]]
        before = everything(), Job.objects.count()
        timer()
        once = everything(), Job.objects.count()
        did += [name] if once != before else []
        timer()
        assert (everything(), Job.objects.count()) == once, name
    # those that had something to do here
    assert {"remind-overdue", "verify-audit", "look-for-signals"} <= set(did)


def test_workers_that_get_the_same_message_at_the_same_moment_do_it_once(
    fresh_database: Any, django_db_blocker: Any
) -> None:
    with django_db_blocker.unblock(), time_machine.travel(stages.at("07-01 09:00"), tick=False) as traveller:
        job = _compute(stages.build(traveller))
        start = threading.Barrier(4)

        def worker() -> None:
            start.wait(30)
            try:
                services.execute_job(job.pk)
            finally:
                connections.close_all()

        workers = [threading.Thread(target=worker) for _ in range(4)]
        for each in workers:
            each.start()
        for each in workers:
            each.join(60)
        job.refresh_from_db()
        assert (job.status, job.attempts) == ("done", 1)
        assert PayoutRun.objects.get().status == "computed"
        written = Change.objects.filter(table="payments_payoutrun", operation="U", new__status="computed")
        assert written.count() == 1
        assert Dispatch.objects.get().status == "approved"
        assert seal_audit()
