"""Receiving check events: idempotent by their id, free of order, each one answered."""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.conf import settings
from django.db import IntegrityError, connection

from accounts.models import User
from accounts.rights import require
from core import clock
from core.audit.acting import acting
from core.errors import DomainError
from dispatch import after_change
from dispatch.services.visits import propose_visits
from portal_expert.incoming import Incoming, Refused, read_event

MOST_EVENTS = 200
_log = logging.getLogger(__name__)
_UNKNOWN = "この派遣番号の派遣は、あなたの派遣にありません。"
_PAID = (
    "この派遣は支払の手続きに入っているため、記録を追加できません。"
    "届いていない記録があるときは、端末の記録を消さずに、事務局へお知らせください。"
)
_OTHER = "同じ event_id で内容の異なる記録があります。先に届いた記録はそのまま残っています。"


class Result(StrEnum):
    CREATED = "created"
    DUPLICATE = "duplicate"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one event."""

    event_id: str
    status: Result
    reason: str = ""


# One statement for the whole list: finds whose the dispatches are, keeps what is new, and says what was there before.
_RECEIVE = """
WITH given AS (
    SELECT * FROM jsonb_to_recordset(%s::jsonb) AS g(
        ord int, event_id text, number text, kind text, device_time timestamptz, latitude numeric,
        longitude numeric, accuracy numeric, fix_age bigint, permission text, signer_name text,
        sent_time timestamptz, skew_seconds bigint, clock_doubtful boolean, signature_cipher text,
        signature_hash text, content_hash text)
), own AS (
    SELECT g.*, d.id AS dispatch_id,
           CASE WHEN d.visited_from IS NOT NULL THEN d.expert_id END AS judged_expert,
           d.status IN ('scheduled', 'paid') AS frozen
      FROM given g
      JOIN dispatch_dispatch d ON d.number = g.number
      JOIN experts_expert e ON e.id = d.expert_id AND e.user_id = %s
), added AS (
    INSERT INTO dispatch_checkevent
           (event_id, dispatch_id, kind, device_time, latitude, longitude, accuracy, signer_name)
    SELECT event_id, dispatch_id, kind, device_time, latitude, longitude, accuracy, signer_name
      FROM own WHERE NOT frozen ORDER BY event_id
    ON CONFLICT (event_id) DO NOTHING
    RETURNING id, event_id
), extra AS (
    INSERT INTO dispatch_checkeventextra
           (event_id, sender_id, sent_time, skew_seconds, clock_doubtful, fix_age, permission,
            signature_cipher, signature_hash, content_hash)
    SELECT a.id, %s, o.sent_time, o.skew_seconds, o.clock_doubtful, o.fix_age, o.permission,
           o.signature_cipher, o.signature_hash, o.content_hash
      FROM added a JOIN own o ON o.event_id = a.event_id
)
SELECT g.ord, o.dispatch_id IS NOT NULL, a.id IS NOT NULL, o.judged_expert
  FROM given g
  LEFT JOIN own o ON o.ord = g.ord
  LEFT JOIN added a ON a.event_id = g.event_id
"""

# What stands under ids that were not new. Loaded events have no hash of their own: their columns are compared.
_STANDING = """
SELECT c.event_id, x.content_hash, d.number, c.kind, c.device_time, c.latitude, c.longitude, c.accuracy,
       c.signer_name
  FROM dispatch_checkevent c
  JOIN dispatch_dispatch d ON d.id = c.dispatch_id
  LEFT JOIN dispatch_checkeventextra x ON x.event_id = c.id
 WHERE c.event_id = ANY(%s)
"""

# What phones send most after a bad network: events that are all here. Read without a transaction and without a lock,
# because what is committed stays: an event is added once and never changed. The dispatch must still be the sender's.
# Looked up step by step: planning the same as joins would cost a new event, which asks this in vain, three times more.
_ALL_HERE = """
SELECT c.event_id,
       (SELECT x.content_hash FROM dispatch_checkeventextra x WHERE x.event_id = c.id),
       (SELECT (SELECT e.user_id FROM experts_expert e WHERE e.id = d.expert_id)
          FROM dispatch_dispatch d WHERE d.id = c.dispatch_id)
  FROM dispatch_checkevent c
 WHERE c.event_id = ANY(%s)
"""


def receive_check_events(*, actor: User, events: Sequence[Any]) -> list[Answer]:
    """Keeps what a phone sent and answers each event in its place: created, duplicate, or rejected with a reason.

    Up to 200 events as decoded JSON (numbers as int or Decimal). The same id with the same content is a duplicate,
    with other content it is rejected and the first one stays. Somebody else's dispatches are unknown. Evidence is
    kept even when it looks wrong (clock, place, state of the dispatch): findings say so later.
    Raises NotAllowed for whoever is no expert, ValueError for more than 200.
    """
    require(actor, "send_check_events")
    if len(events) > MOST_EVENTS:
        raise ValueError(f"at most {MOST_EVENTS} events")
    answers: list[Answer | None] = [None] * len(events)
    first: dict[str, tuple[int, Incoming]] = {}
    again: list[tuple[int, Incoming]] = []
    for place, raw in enumerate(events):
        try:
            event = read_event(raw)
        except Refused as problem:
            answers[place] = Answer(_named(raw), Result.REJECTED, str(problem))
            continue
        if event.event_id in first:
            again.append((place, event))
        else:
            first[event.event_id] = (place, event)
    if first:
        if _all_here(actor, first):
            for place, event in first.values():
                answers[place] = Answer(event.event_id, Result.DUPLICATE)
        else:
            try:
                kept = _keep(actor, list(first.values()))
            except IntegrityError:
                # a run was approved between the statement's look and its insert; by now it sees what is frozen
                kept = _keep(actor, list(first.values()))
            for place, answer in kept:
                answers[place] = answer
        _propose(actor, first, answers)
    for place, event in again:
        answers[place] = _repeated(event, first[event.event_id][1], answers[first[event.event_id][0]])
    assert all(answers)
    return [answer for answer in answers if answer is not None]


def _named(raw: Any) -> str:
    """The id an unreadable event gave itself, as far as it can be shown."""
    value = raw.get("event_id") if isinstance(raw, dict) else None
    return value[:64] if isinstance(value, str) and value.isprintable() else ""


def _all_here(actor: User, events: dict[str, tuple[int, Incoming]]) -> bool:
    """Whether each of these stands already, with this content and for this sender. One query; False is no answer yet:
    something is new, differs, or was loaded from a file and has no hash to compare."""
    with connection.cursor() as cursor:
        cursor.execute(_ALL_HERE, [list(events)])
        standing = cursor.fetchall()
    return len(standing) == len(events) and all(
        owner == actor.pk and content_hash == events[event_id][1].content_hash
        for event_id, content_hash, owner in standing
    )


def _keep(actor: User, events: list[tuple[int, Incoming]]) -> list[tuple[int, Answer]]:
    now, tolerated = clock.now(), settings.CHECK_EVENT_CLOCK_TOLERANCE_SECONDS
    rows = json.dumps([event.row(place, now, tolerated) for place, event in events], ensure_ascii=False)
    by_place = dict(events)
    found, old = [], []
    with acting(actor, "send_check_events"), connection.cursor() as cursor:
        cursor.execute(_RECEIVE, [rows, actor.pk, actor.pk])
        for place, is_own, is_new, judged_expert in cursor.fetchall():
            event_id = by_place[place].event_id
            if not is_own:
                found.append((place, Answer(event_id, Result.REJECTED, _UNKNOWN)))
            elif is_new:
                if judged_expert is not None:
                    # evidence that comes after the visit: its findings may change, in the background
                    after_change.note(experts=(judged_expert,), at_once=False)
                found.append((place, Answer(event_id, Result.CREATED)))
            else:
                old.append(place)
        if old:
            # a statement of its own: it also sees what another request committed meanwhile
            cursor.execute(_STANDING, [[by_place[place].event_id for place in old]])
            standing = {row[0]: row[1:] for row in cursor.fetchall()}
            for place in old:
                event = by_place[place]
                if event.event_id not in standing:
                    # nothing of it is here, and an approved run holds the dispatch: its evidence stays as it was
                    found.append((place, Answer(event.event_id, Result.REJECTED, _PAID)))
                    continue
                same = _is_same(event, *standing[event.event_id])
                found.append(
                    (
                        place,
                        Answer(event.event_id, Result.DUPLICATE)
                        if same
                        else Answer(event.event_id, Result.REJECTED, _OTHER),
                    )
                )
    return found


def _propose(actor: User, events: dict[str, tuple[int, Incoming]], answers: list[Answer | None]) -> None:
    """Lets visits take their times from their events; in a transaction of its own, so that two requests with one end
    each see each other's, and so that evidence stays whatever becomes of the visit. A repetition heals a gap."""
    kept = {
        event.dispatch
        for place, event in events.values()
        if (answer := answers[place]) is not None and answer.status is not Result.REJECTED
    }
    try:
        propose_visits(numbers=kept, actor=actor)
    except DomainError as refusal:
        _log.warning("visits keep their times: %s", refusal)


def _is_same(event: Incoming, content_hash: str | None, *columns: Any) -> bool:
    if content_hash is not None:
        return content_hash == event.content_hash
    return columns == (
        event.dispatch,
        event.kind,
        event.device_time,
        event.latitude,
        event.longitude,
        event.accuracy,
        event.signer_name,
    )


def _repeated(event: Incoming, first: Incoming, answer: Answer | None) -> Answer:
    """The answer to an id that stands twice in one list: the first of them counts."""
    assert answer is not None
    if event.content_hash != first.content_hash:
        return Answer(event.event_id, Result.REJECTED, _OTHER)
    if answer.status is Result.REJECTED:
        return answer
    return Answer(event.event_id, Result.DUPLICATE)
