"""A mail server of the tests' own on the loopback, with and without TLS."""

import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mail_sink import OnPort, Sink


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for `localhost` that signs itself; its file is also the authority to trust."""
    folder = tmp_path_factory.mktemp("certificate")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
        + ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(folder / "key.pem")]
        + ["-out", str(folder / "certificate.pem")],
        check=True,
        capture_output=True,
    )
    return folder / "certificate.pem"


def start(sink: Sink, settings: Any, **options: Any) -> OnPort:
    controller = OnPort(sink, **options)
    controller.start()
    sink.port = controller.port
    settings.MAIL_TRANSPORT = "core.notify.backend.VerifiedSmtpBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "localhost", controller.port
    settings.EMAIL_TIMEOUT = 10
    return controller


@pytest.fixture
def secure_sink(certificate: Path, settings: Any) -> Iterator[Sink]:
    """A server that speaks STARTTLS with a certificate we trust."""
    sink = Sink()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_name("key.pem"))
    controller = start(sink, settings, tls_context=context)
    settings.MAIL_CA_FILE = str(certificate)
    yield sink
    controller.stop()


@pytest.fixture
def plain_sink(settings: Any) -> Iterator[Sink]:
    """A server without any TLS."""
    sink = Sink()
    controller = start(sink, settings)
    yield sink
    controller.stop()
