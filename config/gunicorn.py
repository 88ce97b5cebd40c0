"""How the web process is served: `gunicorn --config config/gunicorn.py config.wsgi:application`.

Numbers come from the environment, so that one image serves machines of any size.
"""

import os
import re
from typing import Any

from gunicorn.glogging import Logger

bind = os.environ.get("WEB_BIND", "0.0.0.0:8000")  # in a container, where only the proxy reaches it
workers = int(os.environ.get("WEB_WORKERS", "3"))
threads = int(os.environ.get("WEB_THREADS", "4"))
worker_class = "gthread"
# A page is quick; what takes longer is a job. Longer than the database's statement timeout, so that the
# person sees an explained error instead of a cut connection.
timeout = int(os.environ.get("WEB_TIMEOUT", "60"))
graceful_timeout = 30
keepalive = 5
# A worker that grew is replaced before it matters; the jitter keeps them from going at once.
max_requests = 5000
max_requests_jitter = 500
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
# No query string (%(q)s, %(r)s) and no referrer (%(f)s): both hold what people searched for.
access_log_format = '%(t)s %({x-request-id}o)s %(m)s %(U)s %(s)s %(B)s %(D)sus "%(a)s"'

# A path behind which a token opens something is a secret itself.
_TOKEN_PATHS = re.compile(r"^(/set-password/|/c/).+")


class PathLogger(Logger):
    """gunicorn's logger, with the tokens taken out of the paths."""

    def atoms(self, *arguments: Any) -> dict[str, Any]:
        """What a line of the access log may show of a request."""
        shown: dict[str, Any] = super().atoms(*arguments)
        shown["U"] = _TOKEN_PATHS.sub(r"\1…", shown.get("U") or "")
        return shown


logger_class = PathLogger
