"""Waking the worker. Rows say what there is to do, so no act fails because the worker can't be told just now.

Beat asks the rows again and again (`sweep_jobs`, `send_mails`); what a lost message would have started, starts then.
"""

import logging
from functools import partial
from typing import Any

from django.db import transaction
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

log = logging.getLogger(__name__)

# Once more on a new connection: the pooled one may have ended with the server it led to. Then the act goes on.
_RETRY = {"max_retries": 1, "interval_start": 0, "interval_step": 0, "interval_max": 0}


def wake(task: Any, *arguments: Any) -> bool:
    """Tells the worker to run a task now; False, with a line in the log, when it can't be told."""
    try:
        task.apply_async(arguments, retry=True, retry_policy=_RETRY)
    except (OperationalError, RedisError, OSError) as trouble:
        log.warning("the worker could not be woken for %s (%s)", task.name, type(trouble).__name__)
        return False
    return True


def wake_on_commit(task: Any, *arguments: Any) -> None:
    """The same once the transaction has committed, at once when there is none: what is committed stays done."""
    transaction.on_commit(partial(wake, task, *arguments))
