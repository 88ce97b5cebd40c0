"""The Celery application. Settings: CELERY_* of the Django settings."""

import os
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from celery import Celery
from celery.signals import setup_logging

from config.broker import use_lasting_channels

# `celery -A config` comes without manage.py.
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.embedded")

use_lasting_channels()
app = Celery("config")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


def broker_address(url: str) -> str:
    """The broker's address in Celery's words: redis-py says unix://:pw@/path?db=0, Celery redis+socket://."""
    parts = urlsplit(url)
    if parts.scheme != "unix":
        return url
    database = dict(pair.split("=", 1) for pair in parts.query.split("&") if "=" in pair).get("db", "0")
    login = f":{parts.password}@" if parts.password else ""
    return f"redis+socket://{login}{quote(unquote(parts.path))}?virtual_host={database}"


@setup_logging.connect
def _write_the_same_lines_as_the_web(**_: Any) -> None:
    """Celery would set up a format of its own; Django has set up ours already."""
    from django.conf import settings

    from config.logging import configure

    configure(settings.LOGGING)


@app.on_after_configure.connect
def _use_celerys_form_of_the_address(sender: Celery, **_: Any) -> None:
    sender.conf.update(broker_url=broker_address(sender.conf.broker_url or ""))
