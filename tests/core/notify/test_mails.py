"""A mail belongs to its act, leaves over verified TLS once, and never disappears."""

import datetime as dt
import logging
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core import mail as django_mail
from django.core.mail import EmailMessage
from django.db import transaction
from django.test import Client
from mail_sink import Sink

from accounts.models import Role
from accounts.services import create_user
from core.audit.acting import SYSTEM
from core.errors import DomainError
from core.notify import sending
from core.notify.models import Mail, MailAttempt, Task
from core.notify.rendering import MissingWord, render_mail
from core.notify.services import queue_mail

pytestmark = pytest.mark.django_db


def queue(key: str = "notice:2026-11:E0001", **changes: Any) -> Mail:
    context = {"name": "山田 太郎", "title": "支払のお知らせ", "note": "", "path": "/"}
    given = {"to": "yamada@example.jp", "template": "task", "context": context, "key": key, "actor": SYSTEM}
    return queue_mail(**{**given, **changes})


def again(mail: Mail) -> Mail:
    mail.refresh_from_db()
    return mail


def received(sink: Sink) -> Any:
    return message_from_bytes(sink.mails[-1].content, policy=policy.default)


def test_a_mail_queued_in_a_transaction_that_fails_is_not_there() -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        queue()
        raise ZeroDivisionError
    assert not Mail.objects.exists()


def test_the_same_business_key_gives_the_same_mail() -> None:
    assert queue() == queue(to="other@example.jp")
    assert Mail.objects.get().to == "yamada@example.jp"


def test_an_address_that_is_none_is_refused_when_the_mail_is_queued() -> None:
    for wrong in ("", "yamada", "a@b\r\nBcc: c@example.jp", "a@example.jp, b@example.jp"):
        with pytest.raises(DomainError, match="メールアドレスの形式"):
            queue(to=wrong)


def test_a_mail_with_a_hole_is_not_queued() -> None:
    with pytest.raises(MissingWord):
        queue(context={"title": "お知らせ"})


def test_the_subject_takes_no_line_break_from_a_name() -> None:
    subject, body = render_mail(
        "task", {"name": "A&B", "title": "x\r\nBcc: all@example.jp\x00", "note": "", "path": "/"}
    )
    assert "\n" not in subject
    assert "\r" not in subject
    assert "\x00" not in subject
    assert "A&B 様" in body  # plain text is not HTML


def test_a_mail_leaves_over_tls_with_fixed_sender_and_bounce_address(
    secure_sink: Sink, settings: Any
) -> None:
    settings.MAIL_BOUNCE_ADDRESS = "bounce@office.example.jp"
    settings.DEFAULT_FROM_EMAIL = "派遣事務局 <office@office.example.jp>"
    mail = queue()
    assert sending.send_waiting() == 1
    assert again(mail).state == "sent"
    assert secure_sink.mails[0].mail_from == "bounce@office.example.jp"
    assert secure_sink.mails[0].rcpt_tos == ["yamada@example.jp"]
    message = received(secure_sink)
    assert message["From"] == "派遣事務局 <office@office.example.jp>"
    assert message["Message-ID"] == mail.message_id
    assert "山田 太郎 様" in message.get_content()
    assert sending.send_waiting() == 0
    assert len(secure_sink.mails) == 1


def test_without_starttls_nothing_is_said_the_mail_waits_and_the_administrators_are_told(
    plain_sink: Sink,
) -> None:
    mail, other = queue(), queue("another")
    assert sending.send_waiting() == 1  # the others are not even tried
    assert plain_sink.mails == []
    assert again(mail).state == "queued"
    assert again(mail).attempts == 0  # the server is the trouble; the mail isn't given up for that
    assert again(other).state == "queued"
    alarm = Task.objects.open().get()
    assert (alarm.code, alarm.role) == ("mail_server", "office_admin")
    assert "STARTTLS" in alarm.note


def test_a_certificate_of_another_name_or_of_an_unknown_authority_is_refused(
    secure_sink: Sink, settings: Any
) -> None:
    mail = queue()
    settings.EMAIL_HOST = "127.0.0.1"  # the certificate says localhost
    sending.send_waiting()
    settings.EMAIL_HOST, settings.MAIL_CA_FILE = "localhost", ""
    Mail.objects.update(next_at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
    sending.send_waiting()
    assert secure_sink.mails == []
    assert again(mail).state == "queued"
    assert [("証明書" in attempt.detail) for attempt in mail.tries.all()] == [True, True]


def test_the_alarm_ends_when_mail_flows_again(secure_sink: Sink, settings: Any, certificate: Path) -> None:
    settings.MAIL_CA_FILE = ""
    mail = queue()
    sending.send_waiting()
    assert Task.objects.open().count() == 1
    settings.MAIL_CA_FILE = str(certificate)
    Mail.objects.update(next_at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
    sending.send_waiting()
    assert again(mail).state == "sent"
    assert not Task.objects.open().exists()


def test_a_busy_server_is_tried_again_later_and_later_and_given_up_visibly(secure_sink: Sink) -> None:
    mail = queue()
    tries = len(sending.BACKOFF_MINUTES) + 1
    secure_sink.answers = ["451 4.3.0 yamada@example.jp busy"] * tries
    with time_machine.travel(dt.datetime(2030, 1, 1, tzinfo=dt.UTC), tick=False) as clock:
        Mail.objects.update(next_at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
        for minutes in (*sending.BACKOFF_MINUTES, 0):
            assert sending.send_waiting() == 1
            assert sending.send_waiting() == 0  # not before its time
            clock.shift(dt.timedelta(minutes=minutes))
    assert again(mail).state == "failed"
    assert mail.attempts == tries
    assert Task.objects.open().get().path == f"/office/mails/{mail.pk}/"
    assert not MailAttempt.objects.filter(detail__contains="yamada").exists()
    assert MailAttempt.objects.filter(detail__contains="451 4.3.0").exists()


@pytest.mark.parametrize("where", ["answers", "recipient_answers"])
def test_a_mail_the_server_will_never_take_is_given_up_at_once(secure_sink: Sink, where: str) -> None:
    setattr(secure_sink, where, ["550 5.1.1 no such user"])
    mail = queue()
    sending.send_waiting()
    assert again(mail).state == "failed"
    assert "550 5.1.1" in mail.tries.get().detail


def test_a_connection_lost_after_the_text_left_is_a_question_for_a_person(secure_sink: Sink) -> None:
    secure_sink.answers = ["vanish"]
    mail = queue()
    sending.send_waiting()
    assert again(mail).state == "unsure"
    assert sending.send_waiting() == 0
    assert len(secure_sink.mails) == 1
    assert Task.objects.open().get().title == "届いたか確認が必要なメールがあります"
    sending.decide(mail=mail, decision="delivered", actor=SYSTEM)
    assert again(mail).state == "sent"
    assert not Task.objects.open().exists()
    with pytest.raises(DomainError, match="状態が変わっています"):
        sending.decide(mail=mail, decision="retry", actor=SYSTEM)


def test_a_mail_taken_over_by_another_worker_does_not_leave_from_the_first(
    secure_sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    mail = queue()
    ours = sending._claim()
    assert ours is not None
    Mail.objects.filter(pk=mail.pk).update(claimed_at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
    assert sending.sweep_mails() == 1
    assert again(mail).state == "queued"
    sending._deliver(ours)  # the first worker wakes up again
    assert secure_sink.mails == []
    assert sending.send_waiting() == 1
    assert len(secure_sink.mails) == 1


def test_what_django_and_other_packages_send_is_queued_and_not_kept_after_it_was_sent(
    secure_sink: Sink, settings: Any
) -> None:
    settings.MAIL_READABLE = False
    from django.core.mail import get_connection

    queue_backend = get_connection("core.notify.backend.QueueBackend")
    message = EmailMessage(
        "再設定", "https://office.example.jp/set-password/MQ/canary-token/", to=["a@example.jp"]
    )
    assert queue_backend.send_messages([message]) == 1
    mail = Mail.objects.get()
    assert mail.concerns == "account"
    assert "canary-token" not in mail.body_cipher
    sending.send_waiting()
    assert "canary-token" in received(secure_sink).get_content()
    assert again(mail).body == ""
    assert sending.decisions_for(mail) == []
    assert not hasattr(django_mail, "outbox") or not django_mail.outbox


@pytest.fixture
def folder(settings: Any, tmp_path: Path) -> Path:
    settings.MAIL_TRANSPORT = "core.notify.backend.FolderBackend"
    settings.MAIL_FOLDER = tmp_path / "mail"
    return settings.MAIL_FOLDER


def test_in_the_demonstration_mails_are_files_only_we_can_read(folder: Path) -> None:
    mail = queue()
    sending.send_waiting()
    [file] = folder.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    message = message_from_bytes(file.read_bytes(), policy=policy.default)
    assert message["To"] == "yamada@example.jp"
    assert "支払のお知らせ" in message.get_content()
    assert again(mail).state == "sent"


def test_no_log_line_of_sending_holds_address_subject_or_text(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, logger="core"):
        queue(to="kanaria@example.jp")
        sending.send_waiting()
    assert caplog.records
    for line in caplog.text.splitlines():
        assert "kanaria" not in line
        assert "支払のお知らせ" not in line


def sign_in(client: Client, role: str) -> None:
    client.force_login(create_user(username=f"u_{role}", role=role, actor=SYSTEM))


def test_the_office_sees_its_mails_and_sends_one_again(client: Client, secure_sink: Sink) -> None:
    secure_sink.answers = ["550 5.7.1 no"]
    mail = queue()
    sending.send_waiting()
    sign_in(client, Role.OFFICE_OPERATOR)
    assert "yamada@example.jp" in client.get("/office/mails/?state=failed").content.decode()
    page = client.get(f"/office/mails/{mail.pk}/").content.decode()
    assert "山田 太郎 様" in page
    assert "550 5.7.1" in page
    assert client.post(f"/office/mails/{mail.pk}/decide/", {"decision": "retry"}).status_code == 302
    sending.send_waiting()
    assert again(mail).state == "sent"
    assert mail.tries.filter(by__username="u_office_operator").count() == 1


def test_administrators_see_mails_about_accounts_only_and_never_a_one_time_link(
    client: Client, settings: Any
) -> None:
    settings.MAIL_READABLE = False
    work = queue()
    account = queue(
        "reset:1",
        concerns="account",
        keeps_body=False,
        context={"name": "n", "title": "t", "note": "", "path": "/set-password/canary"},
    )
    sign_in(client, Role.OFFICE_ADMIN)
    assert client.get(f"/office/mails/{work.pk}/").status_code == 404
    page = client.get(f"/office/mails/{account.pk}/")
    assert page.status_code == 200
    assert "canary" not in page.content.decode()
    sign_in(client, Role.OFFICE_OPERATOR)
    assert client.get(f"/office/mails/{account.pk}/").status_code == 404
    assert client.post(f"/office/mails/{account.pk}/decide/", {"decision": "cancel"}).status_code == 404
