"""Reminders, links that ran out, and certificates that wait for the virus scanner."""

import datetime as dt
import secrets
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import registration_story as story
import time_machine

from core.errors import DomainError
from core.files.intake import FileRefused
from core.notify.models import Mail, Task
from experts.registration.certificate_files import SHELF
from experts.registration.models import Certificate
from experts.registration.services import (
    add_certificate,
    approve,
    check_entry,
    open_certificate,
    pass_to_office,
    remove_certificate,
    return_fields,
    send_invitation_again,
    withdraw,
)
from experts.registration.tasks import remind_registrations, scan_certificates, sweep_certificates

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from scanner_double import EICAR, Scanner, running

pytestmark = pytest.mark.django_db
LATE = "registration_late"


@pytest.fixture
def people() -> story.People:
    return story.build()


@pytest.fixture(autouse=True)
def _evidence(settings: Any, tmp_path: Path) -> None:
    settings.EVIDENCE_DIR = tmp_path / "evidence"
    settings.CLAMD_TIMEOUT_SECONDS = 0.5


@pytest.fixture
def scanner(settings: Any) -> Iterator[Scanner]:
    """A scanner that is configured and answers."""
    with running() as found:
        settings.CLAMD_ADDRESS = found.address
        yield found


def later(days: int) -> Any:
    return time_machine.travel(dt.datetime.now(dt.UTC) + dt.timedelta(days=days), tick=False)


def reminders() -> int:
    return Mail.objects.filter(template="registration_reminder").count()


def test_an_unanswered_invitation_is_reminded_of_once_per_link(people: story.People) -> None:
    row, _ = story.invited(people)
    assert remind_registrations() == 0
    with later(8):
        assert remind_registrations() == 1
        assert remind_registrations() == 0
        assert row.number in Mail.objects.get(template="registration_reminder").subject
        send_invitation_again(registration=row, actor=people.staff)
        assert remind_registrations() == 0
    with later(16):
        assert remind_registrations() == 1
    assert reminders() == 2


def test_nobody_is_reminded_of_what_is_others_turn_or_over(people: story.People) -> None:
    story.submitted(people)
    gone, _ = story.invited(people, candidate_email="gone@example.jp")
    withdraw(registration=gone, reason="x", actor=people.chief)
    with later(20):
        assert remind_registrations() == 0


def test_the_institution_learns_once_of_a_link_that_ran_out(people: story.People) -> None:
    row, _ = story.invited(people)
    with later(31):
        assert remind_registrations() == 1
        assert remind_registrations() == 0
        assert Task.objects.open().filter(code=LATE).count() == 2  # chief and staff
        send_invitation_again(registration=row, actor=people.staff)
        assert not Task.objects.open().filter(code=LATE).exists()
    assert reminders() == 0


def test_a_certificate_waits_for_a_silent_scanner_and_nobody_opens_it(
    people: story.People, scanner: Scanner, settings: Any
) -> None:
    address = settings.CLAMD_ADDRESS
    settings.CLAMD_ADDRESS = "127.0.0.1:1"
    row, _ = story.submitted(people)
    certificate = row.certificates.get(kind="資格証明書")
    assert certificate.state == "waiting"
    with pytest.raises(DomainError, match="検査が終わるまで"):
        open_certificate(certificate=certificate, user=people.staff)
    codes = story.confirmed(row)
    with pytest.raises(DomainError, match="検査が終わっていない"):
        pass_to_office(registration=row, checks=codes, actor=people.staff)
    assert scan_certificates() == 0
    settings.CLAMD_ADDRESS = address
    assert scan_certificates() == 2
    with open_certificate(certificate=certificate, user=people.staff) as file:
        assert file.read()
    pass_to_office(registration=row, checks=codes, actor=people.staff)
    approve(registration=row, actor=people.operator, duplicates_seen=())


def test_an_infected_certificate_is_refused_and_leaves_no_file(
    people: story.People, scanner: Scanner, settings: Any
) -> None:
    import io

    _, token = story.invited(people)
    key = secrets.token_hex(8)
    infected = story.picture()
    content = infected.getvalue() + EICAR
    for _ in range(2):
        with pytest.raises(FileRefused, match="ウイルス"):
            add_certificate(
                registration=story.live(token), kind="資格証明書", upload=io.BytesIO(content), key=key
            )
    assert Certificate.objects.get().state == "refused"
    assert "certificate:資格証明書" in check_entry(story.live(token), story.entry())
    assert not [path for path in Path(settings.EVIDENCE_DIR).rglob("*") if path.is_file()]


def test_the_same_upload_twice_is_kept_once_and_files_of_nobody_go(
    people: story.People, settings: Any
) -> None:
    import os

    _, token = story.invited(people)
    first, again = (
        add_certificate(registration=story.live(token), kind="顔写真", upload=story.picture(), key="k")
        for _ in range(2)
    )
    assert first == again
    files = [path for path in Path(settings.EVIDENCE_DIR).rglob("*") if path.is_file()]
    assert len(files) == 2
    orphan = SHELF.keep(b"x", b"y")
    for path in Path(settings.EVIDENCE_DIR).rglob("*"):
        if path.is_file():
            os.utime(path, (0, 0))
    assert sweep_certificates() == 2
    with pytest.raises(FileNotFoundError):
        SHELF.opened(orphan)
    with SHELF.opened(first.stored_name) as kept:
        assert kept.read(2) == b"\xff\xd8"


def test_a_removed_certificate_no_longer_counts(people: story.People) -> None:
    _, token = story.invited(people)
    row = story.live(token)
    story.with_certificates(row)
    assert check_entry(row, story.entry()) == {}
    remove_certificate(registration=row, certificate=row.certificates.get(kind="資格証明書"))
    remove_certificate(registration=row, certificate=row.certificates.get(kind="資格証明書"))
    assert list(check_entry(row, story.entry())) == ["certificate:資格証明書"]


@pytest.mark.parametrize(
    ("content", "kind"), [(b"", "資格証明書"), (b"<svg/>", "資格証明書"), (b"MZ" * 100, "その他")]
)
def test_what_is_no_picture_is_refused_with_a_reason(people: story.People, content: bytes, kind: str) -> None:
    import io

    _, token = story.invited(people)
    with pytest.raises(FileRefused):
        add_certificate(registration=story.live(token), kind=kind, upload=io.BytesIO(content), key="k")
    assert not Certificate.objects.exists()


def test_a_return_ends_the_tasks_and_opens_none(people: story.People) -> None:
    row, _ = story.submitted(people)
    return_fields(registration=row, fields={"name": ("differs", "")}, actor=people.staff)
    assert not Task.objects.open().exists()


def test_whoever_recommended_hears_how_the_office_ended_it(people: story.People) -> None:
    row, _ = story.at_office(people)
    approve(registration=row, actor=people.operator, duplicates_seen=())
    gone, _ = story.submitted(people, candidate_email="gone@example.jp")
    withdraw(registration=gone, reason="登録基準に該当しないため", actor=people.operator)
    own, _ = story.invited(people, candidate_email="own@example.jp")
    withdraw(registration=own, reason="本人の都合", actor=people.staff)
    told = Mail.objects.filter(key__startswith="registration_end:").order_by("pk")
    assert [mail.key for mail in told] == [f"registration_end:{row.pk}", f"registration_end:{gone.pk}"]
    assert "E000001" in told[0].body and "登録基準に該当しない" in told[1].body
    assert {mail.to for mail in told} == {people.chief.email}
