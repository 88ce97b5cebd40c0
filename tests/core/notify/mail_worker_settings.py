"""Settings of a worker process that sends to the test's own mail server."""

import os

from config.settings.test import *  # noqa: F403

MAIL_TRANSPORT = "core.notify.backend.VerifiedSmtpBackend"
EMAIL_HOST = "localhost"
EMAIL_PORT = int(os.environ["TEST_MAIL_PORT"])
MAIL_CA_FILE = os.environ["TEST_MAIL_CA"]
EMAIL_TIMEOUT = 30
