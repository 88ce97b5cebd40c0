"""What waits for whom: one open task per matter and recipient, seen by nobody else."""

import threading

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client

from accounts.models import Role, User
from accounts.services import create_user
from core.audit.acting import SYSTEM
from core.notify.models import Mail, Task
from core.notify.services import close_tasks, notify, open_task, waiting_for


def person(name: str, role: str = Role.OFFICE_OPERATOR) -> User:
    return create_user(username=name, role=role, actor=SYSTEM, email=f"{name}@example.jp", display_name=name)


def announce(**changes: object) -> Task:
    given = {
        "code": "approve_run",
        "object": "payments.payoutrun:1",
        "title": "支払データ 2026-11 の承認",
        "path": "/office/runs/2026-11/",
        "role": Role.OFFICE_APPROVER,
        "actor": SYSTEM,
    }
    return open_task(**{**given, **changes})  # type: ignore[arg-type]


@pytest.mark.django_db
def test_a_matter_announced_twice_waits_once_and_once_more_after_it_was_closed() -> None:
    first = announce()
    assert announce() == first
    assert close_tasks(code="approve_run", object="payments.payoutrun:1", actor=SYSTEM) == 1
    assert close_tasks(code="approve_run", object="payments.payoutrun:1", actor=SYSTEM) == 0
    assert announce() != first
    assert Task.objects.count() == 2


@pytest.mark.django_db
def test_a_task_is_seen_by_its_person_or_its_role_and_by_nobody_else() -> None:
    mine, approver = person("tanaka"), person("suzuki", Role.OFFICE_APPROVER)
    for_role, for_me = announce(), announce(person=mine, role="")
    assert waiting_for(mine) == [for_me]
    assert waiting_for(approver) == [for_role]
    assert waiting_for(person("sato")) == []
    approver.is_active = False
    assert waiting_for(approver) == []


@pytest.mark.django_db
def test_the_database_itself_refuses_a_second_open_task_and_one_for_nobody() -> None:
    announce()
    for recipient in ({"role": Role.OFFICE_APPROVER}, {"role": ""}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Task.objects.create(
                code="approve_run", object="payments.payoutrun:1", title="x", path="/", **recipient
            )


def test_two_transactions_that_announce_at_once_leave_one_task(fresh_database: object) -> None:
    announced, wait = [], threading.Barrier(2)

    def one() -> None:
        try:
            with transaction.atomic():
                wait.wait(10)
                announced.append(announce().pk)
        finally:
            connection.close()

    threads = [threading.Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(announced) == 2
    assert len(set(announced)) == 1
    assert Task.objects.count() == 1


@pytest.mark.django_db
def test_notify_opens_a_task_and_mails_everybody_of_the_role_once() -> None:
    person("suzuki", Role.OFFICE_APPROVER)
    person("kato", Role.OFFICE_APPROVER)
    person("tanaka")
    for _ in range(2):
        notify(
            code="approve_run",
            object="payments.payoutrun:1",
            title="支払データの承認",
            path="/office/runs/2026-11/",
            role=Role.OFFICE_APPROVER,
            template="task",
            actor=SYSTEM,
        )
    assert sorted(Mail.objects.values_list("to", flat=True)) == ["kato@example.jp", "suzuki@example.jp"]
    body = Mail.objects.get(to="kato@example.jp").body
    assert "kato 様" in body
    assert "http://127.0.0.1:8000/office/runs/2026-11/" in body


@pytest.mark.django_db
def test_the_start_page_shows_what_waits_for_me(client: Client) -> None:
    client.force_login(person("suzuki", Role.OFFICE_APPROVER))
    announce(title="推薦 12件 の確認", path="/office/jobs/")
    page = client.get("/office/").content.decode()
    assert "推薦 12件 の確認" in page
    client.force_login(person("tanaka"))
    assert "推薦 12件 の確認" not in client.get("/office/").content.decode()
