"""The job that issues letters is killed in the middle; taken up again everybody has one letter and one number."""

import datetime as dt
import io
import signal
import subprocess
import sys
import time
from typing import Any

from django.conf import settings

from accounts.models import Role
from accounts.services import create_user
from core import clock
from core.agreements.models import Agreement
from core.agreements.services import current_text
from core.audit.acting import SYSTEM, acting
from core.exchange.services import load_files
from core.jobs.models import Job
from core.jobs.services import execute_job, sweep_jobs
from core.notify.models import Mail
from experts.appointment.issuing import queue_issue
from experts.appointment.models import Appointment, Letter, Round
from experts.models import Expert
from institutions.models import Institution
from rules.dates import fiscal_year

EXPERTS = 1_500
_RUN = "import django; django.setup(); from core.jobs.services import execute_job; execute_job({})"


def agreed(count: int) -> Round:
    """So many experts who agreed."""
    load_files({"institutions.csv": io.BytesIO("機関コード,機関名,機関区分,都道府県コード\nK1,試験商工会,商工会,13\n".encode())}, actor=SYSTEM)  # fmt: skip
    institution, text, now = Institution.objects.get(), current_text("appointment_terms"), clock.now()
    with acting(SYSTEM, "test"):
        row = Round.objects.create(fiscal_year=fiscal_year(clock.today()), first_day=clock.today())
        experts = Expert.objects.bulk_create(
            Expert(
                code=f"E{number:05}", name=f"試験 {number}", prefecture_code="13", address="試験町",
                email=f"e{number}@example.jp", recommended_by=institution, requirement="資格",
                payee_class="報酬2号", account_number="1234567", account_holder_kana="シケン",
            )
            for number in range(count)
        )  # fmt: skip
        yes = Agreement.objects.bulk_create(
            Agreement(text=text, subject=f"test:{each.code}", name=each.name, agreed_at=now)
            for each in experts
        )
        Appointment.objects.bulk_create(
            Appointment(
                round=row, expert=each, state="agreed", agreement=one, first_day=row.first_day, offered_at=now
            )
            for each, one in zip(experts, yes, strict=True)
        )
    return row


def test_killed_in_the_middle_what_is_issued_stays_and_the_rest_follows(fresh_database: Any) -> None:
    row = agreed(EXPERTS)
    person = create_user(
        username="tanto", role=Role.OFFICE_OPERATOR, actor=SYSTEM, password="tsukinami-shiharai"
    )
    job = queue_issue(
        round=row, issued_on=clock.today(), issuer_name="事務局", issuer_title="局長", version=1, actor=person
    ).job
    assert job is not None
    process = subprocess.Popen(
        [sys.executable, "-c", _RUN.format(job.pk)], cwd=settings.BASE_DIR, env=fresh_database.environment
    )
    end = time.monotonic() + 60
    while Letter.objects.count() < 200 and process.poll() is None and time.monotonic() < end:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    kept = dict(Letter.objects.values_list("appointment", "number"))
    assert 200 <= len(kept) < EXPERTS
    # a minute later the sweep sees that nobody holds the job any more
    Job.objects.update(beat_at=clock.now() - dt.timedelta(minutes=2))
    assert sweep_jobs() == 1
    execute_job(job.pk)
    assert Job.objects.get().status == Job.Status.DONE
    after = dict(Letter.objects.values_list("appointment", "number"))
    assert kept.items() <= after.items()
    assert sorted(after.values()) == list(range(1, EXPERTS + 1))
    assert Mail.objects.filter(template="appointment_issued").count() == EXPERTS
