"""What the positions of check events tell: too fast, far away again and again, two clients at one spot."""

from collections.abc import Iterator

from .registry import Found, Window, clipped, rows, signal
from .visits import ENDED, NAMED

# Accuracies beyond this say nothing any more.
_LARGEST_ACCURACY = 2_000


def metres(lat_a: str, lon_a: str, lat_b: str, lon_b: str) -> str:
    """SQL: the great-circle distance in metres, as rules.findings.evidence.distance_m has it."""
    return (
        f"(2 * 6371008.8 * asin(least(1, sqrt(power(sin(radians({lat_b} - {lat_a}) / 2), 2)"
        f" + cos(radians({lat_a})) * cos(radians({lat_b})) * power(sin(radians({lon_b} - {lon_a}) / 2), 2)))))"
    )


_EVENTS = f"""
WITH e AS MATERIALIZED (
    SELECT d.expert_id, d.number, d.company_id, d.method, c.dispatch_id, c.id, c.kind, c.device_time,
           c.latitude::float8 AS lat, c.longitude::float8 AS lon, d.latitude::float8 AS site_lat,
           d.longitude::float8 AS site_lon,
           least(greatest(coalesce(c.accuracy, 0), 0), {_LARGEST_ACCURACY})::float8 AS accuracy
      FROM dispatch_checkevent c JOIN dispatch_dispatch d ON d.id = c.dispatch_id
     WHERE c.latitude IS NOT NULL AND c.longitude IS NOT NULL AND d.status NOT IN {ENDED}
       AND c.device_time >= %(since)s
)
"""

_TRAVELS = f"""
{_EVENTS}, steps AS (
    SELECT e.*, lag(id) OVER w AS p_id, lag(dispatch_id) OVER w AS p_dispatch, lag(number) OVER w AS p_number,
           lag(device_time) OVER w AS p_time, lag(lat) OVER w AS p_lat, lag(lon) OVER w AS p_lon,
           lag(accuracy) OVER w AS p_accuracy
      FROM e WINDOW w AS (PARTITION BY expert_id ORDER BY device_time, id)
), measured AS (
    SELECT steps.*, {metres("p_lat", "p_lon", "lat", "lon")} AS apart,
           extract(epoch FROM device_time - p_time)::bigint AS seconds
      FROM steps WHERE p_id IS NOT NULL
), moved AS (
    SELECT measured.*, greatest(apart - accuracy - p_accuracy - %(travel_free_metres)s, 0) AS way FROM measured
)
SELECT expert_id, dispatch_id, p_dispatch, number, p_number, id, p_id, round(apart)::bigint AS apart, seconds,
       round(way * 3.6 / greatest(seconds, 60))::bigint AS kmh
  FROM moved WHERE way > 0 AND way * 3.6 / greatest(seconds, 60) > %(travel_kmh)s
"""


@signal(
    "impossible_travel",
    "ありえない速さの移動",
    "続けて送られた二つの記録の間を、考えられない速さで移動したことになっています。",
)
def impossible_travel(window: Window) -> Iterator[Found]:
    """Two check events of one expert in a row, too far apart for the time between them."""
    for row in rows(_TRAVELS, window):
        both = dict.fromkeys((row["p_dispatch"], row["dispatch_id"]))
        yield Found(
            key=f"{row['p_number']}|{row['number']}|{row['p_id']}|{row['id']}",
            dispatches=tuple(both),
            expert=row["expert_id"],
            score=clipped(55 + min(row["kmh"] / 100, 30) + (10 if len(both) > 1 else 0)),
            facts={
                "距離（m）": row["apart"],
                "時間（秒）": row["seconds"],
                "速さ（km/時）": row["kmh"],
                "記録": [row["p_id"], row["id"]],
            },
        )


_FAR = f"""
{_EVENTS}, measured AS (
    SELECT e.*, {metres("site_lat", "site_lon", "lat", "lon")} - accuracy AS away
      FROM e WHERE method = '対面' AND site_lat IS NOT NULL AND site_lon IS NOT NULL
)
SELECT expert_id, count(*) AS events, count(*) FILTER (WHERE away > %(far_metres)s) AS far,
       round(max(away))::bigint AS farthest,
       (array_agg(DISTINCT dispatch_id) FILTER (WHERE away > %(far_metres)s))[1:{NAMED}] AS dispatches
  FROM measured GROUP BY expert_id
HAVING count(DISTINCT dispatch_id) FILTER (WHERE away > %(far_metres)s) >= %(far_times)s
"""


@signal(
    "far_from_site",
    "支援場所から離れた記録が多い",
    "一人の専門家の記録が、何度も支援場所から離れた所で行われています。",
)
def far_from_the_site(window: Window) -> Iterator[Found]:
    """An expert whose check events are far from the place of support again and again."""
    for row in rows(_FAR, window):
        percent = row["far"] * 100 // row["events"]
        yield Found(
            key=f"E{row['expert_id']}",
            dispatches=tuple(row["dispatches"]),
            expert=row["expert_id"],
            score=clipped(20 + percent * 0.4 + min(row["far"] * 2, 30)),
            facts={
                "位置のある記録": row["events"],
                "離れた記録": row["far"],
                "割合（%）": percent,
                "最大（m）": row["farthest"],
            },
        )


# A position with all its digits is one phone at one spot: two phones, or two places, never agree so far.
_ONE_SPOT = f"""
{_EVENTS}
SELECT lat, lon, count(DISTINCT dispatch_id) AS times, count(DISTINCT expert_id) AS experts,
       count(DISTINCT company_id) AS clients, (array_agg(DISTINCT dispatch_id))[1:{NAMED}] AS dispatches,
       min(expert_id) AS expert_id,
       round({metres("min(site_lat)", "min(site_lon)", "max(site_lat)", "max(site_lon)")})::bigint AS apart
  FROM e WHERE site_lat IS NOT NULL AND scale(lat::numeric) >= 5
 GROUP BY lat, lon
HAVING count(DISTINCT company_id) > 1
   AND {metres("min(site_lat)", "min(site_lon)", "max(site_lat)", "max(site_lon)")} > %(place_apart_metres)s
"""


@signal(
    "same_position",
    "別の支援先の記録が同じ位置",
    "離れた支援先の記録が、端数まで同じ位置から送られています。",
)
def same_position(window: Window) -> Iterator[Found]:
    """Check events of clients that lie apart, sent from the very same position."""
    for row in rows(_ONE_SPOT, window):
        yield Found(
            key=f"{row['lat']},{row['lon']}",
            dispatches=tuple(row["dispatches"]),
            expert=row["expert_id"] if row["experts"] == 1 else None,
            score=clipped(50 + 5 * row["clients"] + (20 if row["experts"] > 1 else 0)),
            facts={
                "派遣": row["times"],
                "専門家": row["experts"],
                "支援先": row["clients"],
                "支援場所の間（m）": row["apart"],
            },
        )
