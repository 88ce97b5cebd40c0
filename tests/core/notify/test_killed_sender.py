"""Real workers, killed at every stage of sending: no mail disappears, none goes twice without a person's word."""

import datetime as dt
import random
import time
from collections import Counter
from email import message_from_bytes
from pathlib import Path
from typing import Any

import time_machine
from celery_worker import Worker, wait_until, worker
from django.utils import timezone
from mail_sink import Sink

from core.audit.acting import SYSTEM
from core.notify import sending
from core.notify.models import Mail, Task
from core.notify.services import queue_mail
from core.notify.tasks import send_mails


def queue(count: int) -> list[Mail]:
    words = {"name": "山田", "title": "お知らせ", "note": "", "path": "/"}
    return [
        queue_mail(
            to=f"e{number}@example.jp", template="task", context=words, key=f"k:{number}", actor=SYSTEM
        )
        for number in range(count)
    ]


def environment(fresh_database: Any, sink: Sink, certificate: Path) -> dict[str, str]:
    return {
        **fresh_database.environment,
        "DJANGO_SETTINGS_MODULE": "mail_worker_settings",
        "TEST_MAIL_PORT": str(sink.port),
        "TEST_MAIL_CA": str(certificate),
    }


def state(mail: Mail) -> str:
    mail.refresh_from_db()
    return mail.state


def sweep_later(seconds: int = 5) -> int:
    """The sweep at a time when what was claimed so many seconds before now is given up."""
    with time_machine.travel(timezone.now() + sending.SILENT + dt.timedelta(seconds=seconds)):
        swept = sending.sweep_mails()
    Mail.objects.filter(state="queued").update(next_at=timezone.now() - dt.timedelta(seconds=1))
    return swept


def how_often(sink: Sink) -> Counter[str]:
    return Counter(message_from_bytes(envelope.content)["Message-ID"] for envelope in sink.mails)


def test_a_worker_killed_before_the_text_left_has_sent_nothing_and_the_mail_goes_again(
    fresh_database: Any, secure_sink: Sink, certificate: Path, tmp_path: Path
) -> None:
    secure_sink.wait_at_recipient = True
    [mail] = queue(1)
    with worker(environment(fresh_database, secure_sink, certificate), tmp_path / "log") as started:
        started.send(send_mails)
        wait_until(lambda: secure_sink.waiting)
        started.kill()
        assert state(mail) == "sending"
        secure_sink.wait_at_recipient = False
        assert sweep_later() == 1
        assert state(mail) == "queued"
        started.restart()
        started.send(send_mails)
        wait_until(lambda: state(mail) == "sent")
    assert list(how_often(secure_sink).values()) == [1]


def test_a_worker_killed_between_handing_over_and_noting_it_leaves_the_decision_to_a_person(
    fresh_database: Any, secure_sink: Sink, certificate: Path, tmp_path: Path
) -> None:
    secure_sink.wait_after_text = True
    [mail] = queue(1)
    with worker(environment(fresh_database, secure_sink, certificate), tmp_path / "log") as started:
        started.send(send_mails)
        wait_until(lambda: secure_sink.mails)
        started.kill()
        assert state(mail) == "sending"
        secure_sink.wait_after_text = False
        assert sweep_later() == 1
        assert state(mail) == "unsure"
        started.restart()
        started.send(send_mails)
        [after] = queue(2)[1:]
        started.send(send_mails)
        wait_until(lambda: state(after) == "sent")
        assert state(mail) == "unsure"
        assert how_often(secure_sink)[mail.message_id] == 1
        assert Task.objects.open().get().object == f"notify.mail:{mail.pk}"
        sending.decide(mail=mail, decision="retry", actor=SYSTEM)
        started.send(send_mails)
        wait_until(lambda: state(mail) == "sent")
    # the same Message-ID: whoever received the first one can tell that it is the same mail
    assert how_often(secure_sink)[mail.message_id] == 2


def test_two_workers_one_of_them_killed_again_and_again_send_thirty_mails_never_none_never_twice(
    fresh_database: Any, secure_sink: Sink, certificate: Path, tmp_path: Path
) -> None:
    secure_sink.pause = 0.03
    mails = queue(30)
    given = environment(fresh_database, secure_sink, certificate)
    dice = random.Random(119)  # noqa: S311

    def work(workers: list[Worker]) -> None:
        for each in workers:
            each.send(send_mails)

    with worker(given, tmp_path / "one") as one, worker(given, tmp_path / "two") as two:
        work([one, two])
        for _ in range(3):
            wait_until(lambda: Mail.objects.filter(state="sending").exists() or not _waiting())
            time.sleep(dice.random() * 0.1)
            two.kill()
            two.restart()
            work([one, two])

        def settled() -> bool:
            sweep_later(-5)  # what a living worker is sending is younger
            work([one])
            return not _waiting()

        wait_until(settled, seconds=90)
    received = how_often(secure_sink)
    states = Counter(state(mail) for mail in mails)
    assert set(states) <= {"sent", "unsure"}
    assert states["unsure"] <= 3  # at most one for each kill
    assert max(received.values()) == 1
    assert all(received[mail.message_id] == 1 for mail in mails if mail.state == "sent")


def _waiting() -> bool:
    return Mail.objects.filter(state__in=("queued", "sending")).exists()
