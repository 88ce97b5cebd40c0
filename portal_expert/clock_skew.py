"""C01: the phone's clock was off when it sent an event. Worth a look, never a refusal (docs/adr/0018-clock-skew.md)."""

from collections.abc import Sequence
from itertools import groupby

from django.db import connection

from core import clock
from dispatch.advisories import Advice, advisory
from rules.wording import seconds

# What the phone's own clock said at sending, against ours; an event from the future tells, too. How much is too much
# is dated (core.programme.DispatchTerms), as of the day the event came.
_SKEWED = """
SELECT e.dispatch_id, e.kind, coalesce(x.skew_seconds, 0),
       round(extract(epoch FROM e.device_time - x.received_at))::bigint, x.received_at,
       coalesce(t.clock_skew_seconds, 300)
  FROM dispatch_checkevent e
  JOIN dispatch_checkeventextra x ON x.event_id = e.id
  LEFT JOIN programme_dispatchterms t ON t.valid @> (x.received_at AT TIME ZONE 'Asia/Tokyo')::date
 WHERE e.dispatch_id = ANY(%s)
   AND greatest(abs(coalesce(x.skew_seconds, 0)), extract(epoch FROM e.device_time - x.received_at))
       > coalesce(t.clock_skew_seconds, 300)
 ORDER BY e.dispatch_id, e.device_time, e.event_id
"""


@advisory("C01", "端末時計のずれ")
def skewed_clocks(dispatches: Sequence[int]) -> list[Advice]:
    """One advice for each of these dispatches (ids) with an event of a doubtful clock. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_SKEWED, [list(dispatches)])
        rows = cursor.fetchall()
    found = []
    for dispatch, events in groupby(rows, key=lambda row: row[0]):
        several = list(events)
        limit = several[0][5]
        found.append(
            Advice(
                dispatch,
                "端末の時計がサーバの時計とずれていました",
                f"時計のずれ {seconds(limit)}以内",
                "、".join(
                    f"{kind}: {_said(skew, ahead, limit)}（受信 {clock.jst(received):%Y-%m-%d %H:%M:%S}）"
                    for _, kind, skew, ahead, received, _ in several
                ),
            )
        )
    return found


def _said(skew: int, ahead: int, limit: int) -> str:
    off = skew if abs(skew) > limit else ahead
    return f"端末が{seconds(abs(off))}{'進み' if off > 0 else '遅れ'}"
