"""The job of a renewal's mails is killed in the middle; taken up again everybody is mailed, and nobody twice."""

import datetime as dt
import signal
import subprocess
import sys
import time
from typing import Any

from campaign import registered
from django.conf import settings

from accounts.models import Role
from accounts.services import create_user
from core import clock
from core.audit.acting import SYSTEM
from core.jobs.models import Job
from core.jobs.services import execute_job, sweep_jobs
from core.notify.models import Mail
from experts.renewal import campaigns, sending
from experts.renewal.models import Ask, Campaign, Link
from rules.dates import fiscal_year

EXPERTS = 4_000
_RUN = "import django; django.setup(); from core.jobs.services import execute_job; execute_job({})"


def test_killed_in_the_middle_it_is_taken_up_again_and_nobody_is_mailed_twice(fresh_database: Any) -> None:
    registered(EXPERTS)
    person = create_user(
        username="tanto", role=Role.OFFICE_OPERATOR, actor=SYSTEM, password="tsukinami-shiharai"
    )
    campaign = campaigns.prepare_campaign(
        fiscal_year=fiscal_year(clock.today()),
        answer_by=clock.today() + dt.timedelta(days=20),
        remind_on=(),
        message="",
        actor=person,
    )
    wave = sending.start_campaign(campaign=campaign, version=1, key="k", actor=person)
    process = subprocess.Popen(
        [sys.executable, "-c", _RUN.format(wave.job_id)],
        cwd=settings.BASE_DIR,
        env=fresh_database.environment,
    )
    end = time.monotonic() + 120
    while Job.objects.get().done < 500 and process.poll() is None and time.monotonic() < end:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    job = Job.objects.get()
    assert job.status == Job.Status.RUNNING
    assert 500 <= job.done < EXPERTS
    assert not Mail.objects.exists()
    assert not Ask.objects.exists()
    # a minute later the sweep sees that nobody holds the job any more
    Job.objects.update(beat_at=clock.now() - dt.timedelta(minutes=2))
    assert sweep_jobs() == 1
    execute_job(job.pk)
    execute_job(job.pk)
    assert Job.objects.get().status == Job.Status.DONE
    assert Mail.objects.count() == Link.objects.count() == Ask.objects.count() == EXPERTS
    assert Mail.objects.values("to").distinct().count() == EXPERTS
    assert Campaign.objects.get().state == Campaign.State.ASKING
