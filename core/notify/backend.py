"""The ways a mail can take: into the queue, out over verified TLS, or into a folder where people can read it."""

import logging
import os
import re
import smtplib
import ssl
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.backends.smtp import EmailBackend as DjangoSmtp
from django.core.mail.message import sanitize_address

log = logging.getLogger(__name__)

# Called right before the text leaves; raises when it must not leave any more.
BeforeLeaving = Callable[[], None]
_ENHANCED_CODE = re.compile(r"\b[245]\.\d{1,3}\.\d{1,3}\b")


class NotSent(Exception):
    """The mail did not leave. The reason holds no personal data."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class TryLater(NotSent):
    """The server is away or asks us to come again."""


class Refused(NotSent):
    """The server will not take this mail, now or later."""


class NotTrusted(NotSent):
    """The server does not prove who it is, or lets nobody speak in secret: nothing is told to it."""


class Unsure(Exception):
    """The connection broke after the text had left: the server may have taken it."""


class QueueBackend(BaseEmailBackend):
    """What Django itself and other packages send goes into the queue like everything else.

    Their texts may hold one-time links, so they are not kept once sent.
    """

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Queues each message for each of its recipients."""
        from core.audit.acting import SYSTEM

        from .models import Mail
        from .services import queue_text

        queued = 0
        for message in email_messages:
            for address in message.recipients():
                queue_text(
                    to=address,
                    subject=str(message.subject),
                    body=str(message.body),
                    key=f"django:{uuid.uuid4()}",
                    actor=SYSTEM,
                    concerns=Mail.Concern.ACCOUNT,
                    keeps_body=False,
                )
                queued += 1
        return queued


class VerifiedSmtpBackend(DjangoSmtp):
    """Django's SMTP, but never without TLS and never to a server whose certificate does not hold."""

    def __init__(self, **given: Any) -> None:
        self._partial_connection: smtplib.SMTP | None
        super().__init__(**given)
        self.fail_silently = False
        if not self.use_ssl:
            self.use_tls = True
        context = ssl.create_default_context(cafile=settings.MAIL_CA_FILE or None)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.verify_mode = ssl.CERT_REQUIRED
        context.check_hostname = True
        # instead of the one Django would make: said in full here, so that no default decides
        self.ssl_context = context

    def send_one(self, message: EmailMessage, before_leaving: BeforeLeaving) -> None:
        """Hands one mail over. Raises NotSent in one of its kinds, or Unsure."""
        if not self.host:
            raise NotTrusted("メールサーバー（MAIL_HOST）が設定されていません。")
        try:
            self._connect()
            self._hand_over(message, before_leaving)
        finally:
            self._leave()

    def _connect(self) -> None:
        try:
            self.open()
        except smtplib.SMTPNotSupportedError:
            raise NotTrusted("メールサーバーが暗号化（STARTTLS）に応じません。") from None
        except ssl.SSLError as error:
            reason = getattr(error, "verify_message", "") or error.reason or "TLS"
            raise NotTrusted(f"メールサーバーの証明書または暗号化を確認できません（{reason}）。") from None
        except smtplib.SMTPAuthenticationError as error:
            raise NotTrusted(f"メールサーバーがログインを拒みました（{error.smtp_code}）。") from None
        except smtplib.SMTPResponseException as error:
            raise TryLater(
                f"メールサーバーが応じません（{_said(error.smtp_code, error.smtp_error)}）。"
            ) from None
        except (OSError, smtplib.SMTPException) as error:
            raise TryLater(f"メールサーバーに接続できません（{type(error).__name__}）。") from None

    def _hand_over(self, message: EmailMessage, before_leaving: BeforeLeaving) -> None:
        smtp = self.connection
        assert smtp is not None
        encoding = message.encoding or settings.DEFAULT_CHARSET
        try:
            smtp.ehlo_or_helo_if_needed()
            _expect(*smtp.mail(sanitize_address(message.from_email, encoding)))
            for address in message.recipients():
                _expect(*smtp.rcpt(sanitize_address(address, encoding)))
        except (OSError, smtplib.SMTPException) as error:
            raise TryLater(f"メールサーバーとの接続が切れました（{type(error).__name__}）。") from None
        text = message.message().as_bytes(linesep="\r\n")  # type: ignore[call-arg]  # Django's own
        before_leaving()
        try:
            answer: tuple[int, Any] = smtp.data(text)
        except smtplib.SMTPDataError as error:  # said before the text left
            answer = (error.smtp_code, error.smtp_error)
        except (OSError, smtplib.SMTPException) as error:
            raise Unsure(type(error).__name__) from None
        _expect(*answer)

    def _leave(self) -> None:
        for connection in (self._partial_connection, self.connection):
            if connection is not None:
                connection.close()
        self._partial_connection = self.connection = None


def _expect(code: int, said: Any) -> None:
    if code in (250, 251):
        return
    if 500 <= code < 600:
        raise Refused(f"メールサーバーが受け付けませんでした（{_said(code, said)}）。")
    raise TryLater(f"メールサーバーが後で送るよう求めています（{_said(code, said)}）。")


def _said(code: int, said: Any) -> str:
    """The code and the enhanced code; never the server's sentence, which repeats the address."""
    words = said.decode("ascii", "replace") if isinstance(said, bytes) else str(said)
    enhanced = _ENHANCED_CODE.search(words)
    return f"{code} {enhanced.group()}" if enhanced else str(code)


class FolderBackend:
    """Mails as .eml files in settings.MAIL_FOLDER: for development and demonstration, nothing leaves."""

    def send_one(self, message: EmailMessage, before_leaving: BeforeLeaving) -> None:
        """Writes one file, complete or not at all."""
        folder = Path(settings.MAIL_FOLDER)
        name = re.sub(r"[^\w.-]", "_", str(message.extra_headers.get("Message-ID", uuid.uuid4())).strip("<>"))
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            fresh = folder / f".{name}.{uuid.uuid4().hex}"
            with open(fresh, "wb", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
                file.write(message.message().as_bytes())
        except OSError as error:
            raise TryLater(f"メールを保存できません（{type(error).__name__}）。") from None
        before_leaving()
        fresh.replace(folder / f"{name}.eml")
