"""What the times and the counts of visits tell: overlaps, too exact plans, always the cap, pairs, approvals."""

from collections.abc import Iterator
from typing import Any

from .registry import Found, Window, clipped, rows, signal

ENDED = "('cancelled', 'declined')"
TOOK_PLACE = f"d.visited_from >= %(since)s AND d.status NOT IN {ENDED}"
# First day of the fiscal year of a visit.
YEAR = "extract(year FROM (d.visited_from AT TIME ZONE 'Asia/Tokyo') - interval '3 months')::int"
# How many dispatches of a group are named.
NAMED = 20

_VISITS = f"""
WITH v AS MATERIALIZED (
    SELECT d.id, d.number, d.expert_id, d.institution_id, d.company_id, d.visited_from, d.visited_to,
           (d.visited_from AT TIME ZONE 'Asia/Tokyo')::date AS day
      FROM dispatch_dispatch d WHERE {TOOK_PLACE}
)
"""

# A visit that runs past midnight is met on the day after, too.
_OVERLAPPING = (
    _VISITS
    + """
, spread AS (SELECT v.*, v.day + n AS met FROM v CROSS JOIN (VALUES (0), (1)) AS s (n)
              WHERE n = 0 OR (v.visited_to AT TIME ZONE 'Asia/Tokyo')::date > v.day)
SELECT DISTINCT a.id AS one, b.id AS other, a.number, b.number AS other_number, a.expert_id, a.company_id,
       a.institution_id <> b.institution_id AS institutions_differ,
       floor(extract(epoch FROM least(a.visited_to, b.visited_to) - greatest(a.visited_from, b.visited_from)) / 60)::int
           AS minutes
  FROM spread a JOIN spread b ON {same} AND a.met = b.met AND a.id <> b.id
 WHERE (a.visited_from, a.id) < (b.visited_from, b.id)
   AND a.visited_from < b.visited_to AND b.visited_from < a.visited_to AND {apart}
"""
)


@signal(
    "overlap_expert",
    "同じ専門家の実施時刻の重なり",
    "一人の専門家が、同じ時間に二つの支援を行ったことになっています。",
)
def overlapping_visits(window: Window) -> Iterator[Found]:
    """Two visits of one expert at the same time."""
    for row in rows(_OVERLAPPING.format(same="a.expert_id = b.expert_id", apart="true"), window):
        yield Found(
            key=f"{row['number']}|{row['other_number']}",
            dispatches=(row["one"], row["other"]),
            expert=row["expert_id"],
            score=clipped(50 + row["minutes"] / 4 + (20 if row["institutions_differ"] else 0)),
            facts={"重なり（分）": row["minutes"], "別の機関": row["institutions_differ"]},
        )


@signal(
    "overlap_client",
    "同じ支援先の実施時刻の重なり",
    "同じ支援先が、同じ時間に別の専門家からも支援を受けたことになっています。",
)
def overlapping_clients(window: Window) -> Iterator[Found]:
    """Two visits of different experts at one client at the same time."""
    same, apart = "a.company_id = b.company_id", "a.expert_id <> b.expert_id"
    for row in rows(_OVERLAPPING.format(same=same, apart=apart), window):
        yield Found(
            key=f"{row['number']}|{row['other_number']}",
            dispatches=(row["one"], row["other"]),
            company=row["company_id"],
            score=clipped(25 + row["minutes"] / 6 + (25 if row["institutions_differ"] else 0)),
            facts={"重なり（分）": row["minutes"], "別の機関": row["institutions_differ"]},
        )


_PLAN = f"""
WITH ends AS (
    SELECT d.id, d.expert_id, d.planned_to - d.planned_from AS planned,
           date_trunc('minute', max(c.device_time) FILTER (WHERE c.kind = '終了'))
           - date_trunc('minute', min(c.device_time) FILTER (WHERE c.kind = '開始')) AS recorded
      FROM dispatch_dispatch d JOIN dispatch_checkevent c ON c.dispatch_id = d.id
     WHERE {TOOK_PLACE} GROUP BY d.id
)
SELECT expert_id, count(*) AS visits, count(*) FILTER (WHERE recorded = planned) AS exact,
       (array_agg(id ORDER BY id DESC) FILTER (WHERE recorded = planned))[1:{NAMED}] AS dispatches
  FROM ends WHERE recorded IS NOT NULL
 GROUP BY expert_id
HAVING count(*) FILTER (WHERE recorded = planned) >= %(plan_times)s
   AND count(*) FILTER (WHERE recorded = planned) * 100 >= count(*) * %(plan_percent)s
"""


@signal(
    "exact_plan",
    "いつも予定と同じ長さ",
    "チェックインからチェックアウトまでの長さが、分まで予定と同じ記録が続いています。",
)
def exactly_as_planned(window: Window) -> Iterator[Found]:
    """An expert whose check events are as far apart as planned, to the minute, again and again."""
    for row in rows(_PLAN, window):
        percent = row["exact"] * 100 // row["visits"]
        yield Found(
            key=f"E{row['expert_id']}",
            dispatches=tuple(row["dispatches"]),
            expert=row["expert_id"],
            score=clipped(percent * 0.4 + min(row["exact"], 40)),
            facts={"記録のある支援": row["visits"], "予定と同じ長さ": row["exact"], "割合（%）": percent},
        )


# The cap in minutes of support of the rule set in force that day.
_CAP = f"""
WITH days AS (
    SELECT d.expert_id, (d.visited_from AT TIME ZONE 'Asia/Tokyo')::date AS day, max(d.id) AS dispatch,
           sum(floor(extract(epoch FROM d.visited_to - d.visited_from) / 60) - coalesce(d.break_minutes, 0)) AS minutes
      FROM dispatch_dispatch d WHERE {TOOK_PLACE} GROUP BY 1, 2
), judged AS (
    SELECT days.*, (r.values->>'fee_day_cap_yen')::numeric / (r.values->>'fee_unit_yen')::numeric
                   * (r.values->>'fee_unit_minutes')::numeric AS cap
      FROM days JOIN programme_ruleset r ON r.valid @> days.day
)
SELECT expert_id, count(*) AS days, count(*) FILTER (WHERE minutes = cap) AS capped,
       (array_agg(dispatch ORDER BY day DESC) FILTER (WHERE minutes = cap))[1:{NAMED}] AS dispatches
  FROM judged GROUP BY expert_id
HAVING count(*) FILTER (WHERE minutes = cap) >= %(cap_days)s
   AND count(*) FILTER (WHERE minutes = cap) * 100 >= count(*) * %(cap_percent)s
"""


@signal(
    "always_cap", "いつも一日の上限ちょうど", "支援時間が、謝金の一日の上限にちょうど届く日が続いています。"
)
def always_at_the_cap(window: Window) -> Iterator[Found]:
    """An expert whose days end exactly where the cap of the fee is reached."""
    for row in rows(_CAP, window):
        percent = row["capped"] * 100 // row["days"]
        yield Found(
            key=f"E{row['expert_id']}",
            dispatches=tuple(row["dispatches"]),
            expert=row["expert_id"],
            score=clipped(percent * 0.5 + min(row["capped"] * 2, 40)),
            facts={"支援した日": row["days"], "上限ちょうどの日": row["capped"], "割合（%）": percent},
        )


_PAIRS = f"""
WITH pairs AS (
    SELECT {YEAR} AS year, d.institution_id, d.expert_id, count(*) AS times, count(DISTINCT d.company_id) AS clients,
           (array_agg(d.id ORDER BY d.id DESC))[1:{NAMED}] AS dispatches
      FROM dispatch_dispatch d WHERE {TOOK_PLACE} GROUP BY 1, 2, 3
), shares AS (
    SELECT pairs.*, sum(times) OVER (PARTITION BY year, institution_id) AS whole FROM pairs
)
SELECT * FROM shares WHERE times >= %(pair_times)s AND times * 100 >= whole * %(pair_percent)s
"""


@signal("dominant_pair", "機関の派遣を占める専門家", "ある機関の派遣の多くを、一人の専門家が占めています。")
def dominant_pairs(window: Window) -> Iterator[Found]:
    """One expert takes most of an institution's dispatches of a fiscal year."""
    for row in rows(_PAIRS, window):
        percent = int(row["times"] * 100 // row["whole"])
        yield Found(
            key=f"{row['year']}|K{row['institution_id']}|E{row['expert_id']}",
            dispatches=tuple(row["dispatches"]),
            expert=row["expert_id"],
            institution=row["institution_id"],
            score=clipped(percent * 0.5 + min(row["times"] / 2, 30)),
            facts={
                "年度": row["year"],
                "派遣": row["times"],
                "機関の派遣": int(row["whole"]),
                "割合（%）": percent,
                "支援先": row["clients"],
            },
        )


_EDITS = f"""
WITH acts AS (
    SELECT c.dispatch_id, count(*) AS corrections, 0 AS returns
      FROM dispatch_correction c JOIN dispatch_dispatch d ON d.id = c.dispatch_id
     WHERE {TOOK_PLACE} AND d.approved_at IS NOT NULL AND c.corrected_at > d.approved_at GROUP BY 1
    UNION ALL
    SELECT s.dispatch_id, 0, count(*)
      FROM dispatch_statuschange s JOIN dispatch_dispatch d ON d.id = s.dispatch_id
     WHERE {TOOK_PLACE} AND s.action = 'return' AND s.from_status IN ('approved', 'verified') GROUP BY 1
)
SELECT d.id, d.number, d.expert_id, d.institution_id, sum(a.corrections)::int AS corrections,
       sum(a.returns)::int AS returns
  FROM acts a JOIN dispatch_dispatch d ON d.id = a.dispatch_id
 GROUP BY d.id HAVING sum(a.corrections + a.returns) >= %(edits)s
"""


@signal("late_edits", "承認後の訂正が多い", "機関の承認の後に、訂正や差戻しが何度も行われています。")
def edits_after_approval(window: Window) -> Iterator[Found]:
    """A dispatch that was corrected or returned again and again after the institution approved it."""
    for row in rows(_EDITS, window):
        yield Found(
            key=row["number"],
            dispatches=(row["id"],),
            expert=row["expert_id"],
            institution=row["institution_id"],
            score=clipped(20 + 10 * (row["corrections"] + row["returns"])),
            facts={"承認後の訂正": row["corrections"], "承認後の差戻し": row["returns"]},
        )


_DECLARED = f"""
SELECT d.expert_id, x.cause, count(*) AS times, (array_agg(d.id ORDER BY d.id DESC))[1:{NAMED}] AS dispatches
  FROM dispatch_declaration x JOIN dispatch_dispatch d ON d.id = x.dispatch_id
 WHERE {TOOK_PLACE} GROUP BY 1, 2 HAVING count(*) >= %(declarations)s
"""


@signal(
    "many_declarations", "同じ事由の申告書が多い", "一人の専門家が、同じ事由の申告書を何度も出しています。"
)
def many_declarations(window: Window) -> Iterator[Found]:
    """An expert who declares the same cause again and again."""
    for row in rows(_DECLARED, window):
        yield Found(
            key=f"E{row['expert_id']}|{row['cause']}",
            dispatches=tuple(row["dispatches"]),
            expert=row["expert_id"],
            score=clipped(20 + 5 * row["times"]),
            facts={"事由": row["cause"], "申告書": row["times"]},
        )


# Runs of approvals of one person, each within seconds of the one before.
_APPROVALS = f"""
WITH acts AS (
    SELECT s.dispatch_id, s.actor_id, s.at, d.institution_id,
           s.at - lag(s.at) OVER (PARTITION BY s.actor_id ORDER BY s.at, s.id) AS gap
      FROM dispatch_statuschange s JOIN dispatch_dispatch d ON d.id = s.dispatch_id
     WHERE s.action = 'approve' AND s.actor_id IS NOT NULL AND s.at >= %(since)s
), runs AS (
    SELECT acts.*, count(*) FILTER (WHERE gap IS NULL OR gap > make_interval(secs => %(approval_seconds)s))
                   OVER (PARTITION BY actor_id ORDER BY at, dispatch_id) AS run
      FROM acts
)
SELECT actor_id, min(institution_id) AS institution_id, min(at) AS begun, count(*) AS times,
       extract(epoch FROM max(at) - min(at))::int AS seconds, (array_agg(dispatch_id ORDER BY at))[1:{NAMED}] AS dispatches
  FROM runs GROUP BY actor_id, run HAVING count(*) >= %(approvals)s
"""


@signal("hasty_approvals", "続けざまの承認", "機関の同じ利用者が、数秒おきに派遣を承認しています。")
def hasty_approvals(window: Window) -> Iterator[Found]:
    """An institution's person who approves one dispatch after the other within seconds."""
    for row in rows(_APPROVALS, window):
        facts: dict[str, Any] = {
            "承認": row["times"],
            "かかった秒数": row["seconds"],
            "始まり": row["begun"].isoformat(timespec="seconds"),
        }
        yield Found(
            key=f"U{row['actor_id']}|{row['begun'].isoformat()}",
            dispatches=tuple(row["dispatches"]),
            institution=row["institution_id"],
            score=clipped(20 + 3 * row["times"]),
            facts=facts,
        )
