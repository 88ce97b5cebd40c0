"""How the web process is served: `gunicorn --config config/gunicorn.py config.wsgi:application`.

Numbers come from the environment, so that one image serves machines of any size.
"""

import logging
import os
import re
import sys
from pathlib import Path
from typing import Any

from gunicorn.glogging import Logger

# gunicorn reads this file before it knows where the project is
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from config.logging import json_formatter, scrub_text

bind = os.environ.get("WEB_BIND", "0.0.0.0:8000")  # in a container, where only the proxy reaches it
workers = int(os.environ.get("WEB_WORKERS", "3"))
threads = int(os.environ.get("WEB_THREADS", "4"))
worker_class = "gthread"
# A page is quick; what takes longer is a job. Longer than the database's statement timeout, so that the
# person sees an explained error instead of a cut connection.
timeout = int(os.environ.get("WEB_TIMEOUT", "60"))
graceful_timeout = 30
# Longer than the proxy keeps an idle connection (deploy/nginx/nginx.conf), so that it never sends into a closing one.
keepalive = 75
# A worker that grew is replaced before it matters; the jitter keeps them from going at once. Not often: loading the
# program takes seconds in which the others do its work, and phones send hundreds of requests a second.
max_requests = 100_000
max_requests_jitter = 20_000
# The heartbeat file must lie in memory: on a slow disk a healthy worker would be taken for a dead one.
worker_tmp_dir = "/dev/shm"  # noqa: S108
# Only the proxy reaches us, and it overwrites what a client sent.
forwarded_allow_ips = "*"
# By default gunicorn opens a socket in the home folder by which anybody of this user controls it.
control_socket_disable = True

limit_request_line = 8190
limit_request_fields = 100
limit_request_field_size = 16380

accesslog = "-"
errorlog = "-"
# No query string (%(q)s, %(r)s), no referrer (%(f)s), no agent: all hold what people typed or chose to send.
access_log_format = (
    '{"event":"access","at":"%(t)s","request_id":"%({x-request-id}o)s","method":"%(m)s","path":"%(U)s",'
    '"status":%(s)s,"bytes":"%(B)s","microseconds":%(D)s}'
)

# A path behind which a token opens something is a secret itself, and a part of a path that is neither a word nor
# a number of ours may be anything.
_TOKEN_PATHS = re.compile(r"^(/set-password/|/renew/|/c/|/r/|/y/).+")
_PLAIN_PART = re.compile(r"[A-Za-z0-9_.-]{0,23}")
_METHOD = re.compile(r"[A-Z]{1,10}")


def shown_path(path: str) -> str:
    """What the log may show of a path."""
    known = _TOKEN_PATHS.sub(r"\1…", path)
    return "/".join(part if _is_plain(part) else "…" for part in known.split("/"))


def _is_plain(part: str) -> bool:
    return bool(_PLAIN_PART.fullmatch(part)) and scrub_text(part) == part


class JsonLogger(Logger):
    """gunicorn's logger, writing the same scrubbed JSON as the application."""

    def setup(self, cfg: Any) -> None:
        """Replaces the formats of gunicorn's own lines."""
        super().setup(cfg)
        for handler in self.error_log.handlers:
            handler.setFormatter(json_formatter(with_request=False))
        for handler in self.access_log.handlers:
            handler.setFormatter(logging.Formatter("%(message)s"))

    def atoms(self, *arguments: Any) -> dict[str, Any]:
        """What a line of the access log may show of a request."""
        shown: dict[str, Any] = super().atoms(*arguments)
        shown["U"] = shown_path(shown.get("U") or "")
        if not _METHOD.fullmatch(shown.get("m") or ""):
            shown["m"] = "other"
        return shown


logger_class = JsonLogger
