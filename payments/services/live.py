"""Findings the moment they exist: after each act of a person the dispatches it concerns are judged at once (C12).

The same engine as the standing check and the run, for the experts concerned: the dispatch's own (overlaps, the day's
cap, per diem) and those who were at the same client (its limit). What fails here is done by the worker, and if that
fails too by the standing check, which looks at everything that changed each minute.
"""

import logging
import threading
from collections.abc import Collection
from dataclasses import dataclass, field

from django.core.cache import cache
from django.db import connection

from dispatch.after_change import Changed

from .assessment import check_experts

log = logging.getLogger(__name__)

# How long an expert who waits for the worker isn't queued again; a lost message is forgotten after that.
_WAITS_SECONDS = 60
# What comes within so long goes to the worker as one message: phones send hundreds of events a second.
GATHERING_SECONDS = 0.5
# More than these at once (a load, a merge of registers) are for the worker.
MOST_AT_ONCE = 20

# Those who were at the client: only what is unpaid can change its place among the client's dispatches.
CONCERNED = """
WITH touched AS (SELECT expert_id, company_id FROM dispatch_dispatch WHERE id = ANY(%(dispatches)s))
SELECT expert_id FROM touched
UNION SELECT unnest(%(experts)s::bigint[])
UNION
SELECT d.expert_id FROM dispatch_dispatch d
 WHERE d.company_id IN (SELECT company_id FROM touched UNION SELECT unnest(%(companies)s::bigint[]))
   AND d.visited_from IS NOT NULL AND d.status NOT IN ('cancelled', 'declined', 'scheduled', 'paid')
"""


def judge_changed(changed: Changed) -> None:
    """Told after a commit (dispatch.after_change): judges now when a person waits, else in the background."""
    experts = concerned(changed)
    if not changed.at_once or len(experts) > MOST_AT_ONCE:
        gather_experts(experts)
        return
    try:
        check_experts(experts=experts, waits=True)
    except Exception:  # the act is done; what can't be judged now is judged by the worker
        log.exception("live check failed, queued: experts %s", sorted(experts))
        queue_experts(experts)


def concerned(changed: Changed) -> set[int]:
    """The experts (ids) whose findings a change can alter. One query, none for experts alone."""
    if not changed.dispatches and not changed.companies:
        return set(changed.experts)
    with connection.cursor() as cursor:
        cursor.execute(
            CONCERNED,
            {
                "dispatches": list(changed.dispatches),
                "experts": list(changed.experts),
                "companies": list(changed.companies),
            },
        )
        return {expert for (expert,) in cursor.fetchall()}


@dataclass
class _Gathered:
    """Experts that this process will queue in a moment."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    experts: set[int] = field(default_factory=set)
    waits: bool = False


_gathered = _Gathered()


def gather_experts(experts: Collection[int]) -> None:
    """Queues these experts within a moment, together with others; costs the caller nothing.

    A process that ends meanwhile loses them; the standing check sees what changed.
    """
    with _gathered.lock:
        _gathered.experts.update(experts)
        if _gathered.waits or not _gathered.experts:
            return
        _gathered.waits = True
    timer = threading.Timer(GATHERING_SECONDS, queue_gathered)
    timer.daemon = True
    timer.start()


def queue_gathered() -> None:
    """Queues what was gathered so far."""
    with _gathered.lock:
        experts, _gathered.experts = _gathered.experts, set()
        _gathered.waits = False
    try:
        queue_experts(experts)
    except Exception:  # a timer has nobody to tell; the standing check sees what changed
        log.exception("experts could not be queued: %s", sorted(experts))


def queue_experts(experts: Collection[int]) -> None:
    """Lets the worker judge these experts' dispatches; one who waits already isn't queued twice."""
    from ..tasks import judge_experts

    fresh = [expert for expert in sorted(experts) if cache.add(_key(expert), 1, _WAITS_SECONDS)]
    if fresh:
        judge_experts.delay(fresh)


def judge_queued(experts: Collection[int]) -> int:
    """The worker's part: whoever is changed from now on is queued anew."""
    cache.delete_many([_key(expert) for expert in experts])
    return check_experts(experts=experts)


def _key(expert: int) -> str:
    return f"judge-expert-{expert}"
