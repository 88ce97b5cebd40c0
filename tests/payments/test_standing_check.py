"""The standing check agrees with a run, keeps what stays, and knows when it is out of date."""

import datetime as dt
import hashlib
from collections import defaultdict
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from closing import approved_july, checker, computed_july, load, maker
from django.db import connection
from django.db.models.functions import Now

from core.audit.acting import SYSTEM
from core.jobs.models import Job
from core.jobs.progress import Progress
from core.jobs.registry import KINDS
from core.jobs.services import execute_job, queue_job
from dispatch.models import Assessment, Declaration, Dispatch, Finding
from dispatch.selectors import unpaid_since
from payments.models import PayoutRun, RunFile
from payments.selectors import check_is_stale, last_check
from payments.services import draft_run, finding_rows
from payments.services.assessment import check_month
from payments.services.export import archive_name, downloads
from payments.tasks import check_when_stale


def findings() -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for number, code in Finding.objects.values_list("dispatch__number", "code"):
        found[number].add(code)
    return dict(found)


@pytest.mark.django_db
def test_the_check_finds_what_a_run_would_hold() -> None:
    load("edges/stage1")
    run = computed_july()
    held: dict[str, set[str]] = defaultdict(set)
    for number, code in run.holds.values_list("dispatch__number", "code"):
        held[number].add(code)
    check_month()
    checked = findings()
    # as of now every approval counts, so P03 may be gone; nothing else differs
    for number, codes in held.items():
        assert checked.get(number, set()) - {"P03"} == codes - {"P03"}
    payable = set(run.lines.values_list("dispatch__number", flat=True))
    assert payable <= set(
        Assessment.objects.filter(kind=Assessment.Kind.PAYABLE).values_list("dispatch__number", flat=True)
    )


@pytest.mark.django_db
def test_each_unpaid_visit_has_one_class_and_its_month() -> None:
    load("2021-07")
    check_month()
    unpaid = Dispatch.objects.filter(visited_from__isnull=False).exclude(status__in=("cancelled", "declined"))
    assert Assessment.objects.count() == unpaid.count()
    for assessment in Assessment.objects.select_related("dispatch").prefetch_related("dispatch__findings"):
        kinds = {finding.kind for finding in assessment.dispatch.findings.all()}
        expected = next((kind for kind in ("対象外", "保留", "未了") if kind in kinds), "支払可")
        assert assessment.kind == expected
        assert assessment.codes == sorted(finding.code for finding in assessment.dispatch.findings.all())
        assert assessment.month.day == 1


@pytest.mark.django_db
def test_what_would_be_paid_is_told_for_held_dispatches_and_nothing_for_ineligible_ones() -> None:
    load("edges/stage1")
    check_month()
    ineligible = Assessment.objects.filter(kind="対象外")
    assert ineligible
    assert set(ineligible.values_list("fee", "travel")) == {(0, 0)}
    hold = Assessment.objects.get(dispatch__number="D00016")
    assert (hold.kind, hold.fee) == ("保留", 10560)


@pytest.mark.django_db
def test_a_finding_that_stays_keeps_the_moment_it_was_first_seen() -> None:
    load("edges/stage1")
    check_month()
    before = dict(Finding.objects.values_list("pk", "first_seen_at"))
    Finding.objects.update(first_seen_at=dt.datetime(2021, 7, 1, tzinfo=dt.UTC))
    Declaration.objects.create(
        dispatch=Dispatch.objects.get(number="D00024"),
        cause="位置情報不備",
        submitted_at=dt.datetime(2021, 8, 1, tzinfo=dt.UTC),
        reason="圏外",
    )
    check_month()
    assert "D00024" not in findings()
    assert Assessment.objects.get(dispatch__number="D00024").kind == "支払可"
    assert set(Finding.objects.values_list("first_seen_at", flat=True)) == {
        dt.datetime(2021, 7, 1, tzinfo=dt.UTC)
    }
    assert Finding.objects.count() == len(before) - 1


@pytest.mark.django_db
def test_what_an_approved_run_took_is_checked_no_more() -> None:
    load("2021-07")
    check_month()
    run = approved_july()
    check_month()
    taken = set(run.lines.values_list("dispatch_id", flat=True))
    assert not Assessment.objects.filter(dispatch_id__in=taken).exists()
    assert not Finding.objects.filter(dispatch_id__in=taken).exists()
    assert Assessment.objects.exists()


@pytest.mark.django_db
def test_an_open_run_leaves_its_dispatches_payable() -> None:
    load("2021-07")
    run = computed_july()
    check_month()
    taken = set(run.lines.values_list("dispatch_id", flat=True))
    kinds = Assessment.objects.filter(dispatch_id__in=taken).values_list("kind", flat=True)
    assert set(kinds) == {"支払可"}


def checked_by_job() -> Job:
    job = queue_job(kind="check_month", title="派遣の確認", arguments={}, actor=SYSTEM)
    execute_job(job.pk)
    job.refresh_from_db()
    assert job.status == Job.Status.DONE, job.error
    return job


def test_a_check_of_many_beside_which_others_write_all_the_time_is_done_in_smaller_parts(
    fresh_database: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What phones send lets the live check write the same rows: a batch of hundreds never sees them at rest."""
    load("edges/stage1")
    check_month()
    before = list(Assessment.objects.order_by("pk").values_list("dispatch_id", "kind", "codes"))
    sizes = []

    def write_beside(dispatches: list[int]) -> None:
        try:
            Assessment.objects.filter(dispatch__in=dispatches).update(checked_at=Now())
        finally:
            connection.close()

    def keep(columns: dict[str, Any]) -> None:
        experts = Dispatch.objects.filter(pk__in=columns["dispatches"]).values("expert").distinct().count()
        sizes.append(experts)
        if experts > 1:
            writer = Thread(target=write_beside, args=[columns["dispatches"]])
            writer.start()
            writer.join()
        finding_rows.keep(columns)

    monkeypatch.setattr("payments.services.assessment.keep", keep)
    answer = check_month()
    assert (answer["dispatches"], answer["findings"]) == (len(before), Finding.objects.count())
    assert sizes[0] > 1 and sizes.count(1) == max(sizes)
    assert list(Assessment.objects.order_by("pk").values_list("dispatch_id", "kind", "codes")) == before


def test_the_check_is_stale_when_something_changed_since(fresh_database: Any) -> None:
    assert not check_is_stale()
    load("2021-07")
    assert check_is_stale()
    job = checked_by_job()
    assert job.result["dispatches"] == Assessment.objects.count()
    assert last_check() is not None
    assert not check_is_stale()
    Dispatch.objects.filter(number="D2021000001").update(break_minutes=7)
    assert check_is_stale()
    checked_by_job()
    draft_run(month=dt.date(2021, 7, 1), pay_date=dt.date(2021, 8, 25), actor=maker(), past_allowed=True)
    assert check_is_stale()


def test_beat_queues_one_check_when_it_is_stale(fresh_database: Any) -> None:
    load("2021-07")
    assert check_when_stale()
    assert not check_when_stale()
    assert Job.objects.filter(kind="check_month").count() == 1
    execute_job(Job.objects.get().pk)
    assert not check_when_stale()


def test_jobs_compute_and_export_a_run_with_progress(
    fresh_database: Any, settings: Any, tmp_path: Path
) -> None:
    load("2021-07")
    run = draft_run(
        month=dt.date(2021, 7, 1), pay_date=dt.date(2021, 8, 25), actor=maker(), past_allowed=True
    )
    for kind in ("compute_run", "export_run"):
        job = queue_job(
            kind=kind, title=kind, arguments={"run": run.name, "actor": maker().pk}, actor=maker()
        )
        execute_job(job.pk)
        job.refresh_from_db()
        assert (job.status, job.error) == (Job.Status.DONE, "")
        assert job.done == job.total > 0
        if kind == "compute_run":
            from payments.services import approve_run

            approve_run(run=PayoutRun.objects.get(), actor=checker())
    run = PayoutRun.objects.get()
    assert run.status == PayoutRun.Status.EXPORTED
    assert downloads(run).exists(archive_name(run))
    for file in RunFile.objects.filter(run=run):
        with downloads(run).open(file.name) as content:
            assert hashlib.file_digest(content, "sha256").hexdigest() == file.sha256


@pytest.mark.django_db
def test_exporting_for_download_twice_gives_the_same_archive(tmp_path: Path) -> None:
    load("2021-07")
    run = approved_july()
    archives = []
    for _ in range(2):
        KINDS["export_run"].run({"run": run.name, "actor": maker().pk}, Progress())
        with downloads(run).open(archive_name(run)) as archive:
            archives.append(archive.read())
    assert archives[0] == archives[1]


@pytest.mark.django_db
def test_dispatches_that_wait_too_long_are_listed_oldest_first() -> None:
    load("2021-07")
    waiting = list(unpaid_since(dt.date(2021, 7, 10)))
    assert waiting
    starts = [dispatch.visited_from for dispatch in waiting]
    assert starts == sorted(starts)
    taken = set(approved_july().lines.values_list("dispatch_id", flat=True))
    assert not taken & {dispatch.pk for dispatch in unpaid_since(dt.date(2021, 8, 1))}


@pytest.mark.django_db
def test_the_check_takes_the_same_queries_for_more_dispatches() -> None:
    load("edges/stage1")
    with CountedQueries() as few:
        check_month()
    load("2021-07")
    with CountedQueries() as more:
        check_month()
    assert more.count == few.count


class CountedQueries:
    """How many queries a block takes."""

    def __enter__(self) -> "CountedQueries":
        self.count = 0
        self._wrapper = connection.execute_wrapper(self._counted)
        self._wrapper.__enter__()
        return self

    def _counted(self, execute: Any, *arguments: Any) -> Any:
        self.count += 1
        return execute(*arguments)

    def __exit__(self, *error: Any) -> None:
        self._wrapper.__exit__(*error)
