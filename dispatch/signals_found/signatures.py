"""What signatures tell: the same strokes twice, and nearly the same ones at different clients of one expert.

Nobody signs the same way twice to the point. The fingerprints (SignatureSketch) are made by whoever keeps signatures.
"""

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import combinations

from .registry import Found, Window, clipped, rows, signal
from .visits import NAMED, TOOK_PLACE

Points = Sequence[Sequence[Sequence[int]]]
# How many points along its strokes a shape is made of; fewer drawn points than this are a dash, no signature.
SHAPE = 32
_FEWEST = 8

_SAME = f"""
SELECT s.strokes_mark, count(DISTINCT d.id) AS times, count(DISTINCT d.company_id) AS clients,
       count(DISTINCT d.expert_id) AS experts, min(d.expert_id) AS expert_id,
       (array_agg(DISTINCT d.id))[1:{NAMED}] AS dispatches
  FROM dispatch_signaturesketch s
  JOIN dispatch_checkevent c ON c.id = s.event_id
  JOIN dispatch_dispatch d ON d.id = c.dispatch_id
 WHERE {TOOK_PLACE} AND s.strokes_mark <> ''
 GROUP BY s.strokes_mark HAVING count(DISTINCT d.id) > 1
"""


@signal("same_signature", "まったく同じ筆跡", "別の派遣の署名の線が、点まで同じです。")
def same_strokes(window: Window) -> Iterator[Found]:
    """The very same strokes under different dispatches."""
    for row in rows(_SAME, window):
        yield Found(
            key=row["strokes_mark"],
            dispatches=tuple(row["dispatches"]),
            expert=row["expert_id"] if row["experts"] == 1 else None,
            score=clipped(80 + 5 * row["clients"]),
            facts={"派遣": row["times"], "支援先": row["clients"], "専門家": row["experts"]},
        )


_SHAPES = f"""
SELECT d.expert_id, d.id, d.number, d.company_id, s.strokes_mark, s.shape
  FROM dispatch_signaturesketch s
  JOIN dispatch_checkevent c ON c.id = s.event_id
  JOIN dispatch_dispatch d ON d.id = c.dispatch_id
 WHERE {TOOK_PLACE} AND cardinality(s.shape) > 0
 ORDER BY d.expert_id, d.id
"""


@signal("similar_signature", "よく似た筆跡", "別の支援先の署名の形が、同じ人が書いたように似ています。")
def similar_strokes(window: Window) -> Iterator[Found]:
    """Nearly the same shape under different clients of one expert."""
    of_expert = defaultdict(list)
    for row in rows(_SHAPES, window):
        of_expert[row["expert_id"]].append(row)
    for expert, signed in of_expert.items():
        for one, other in combinations(signed, 2):
            if one["company_id"] == other["company_id"] or one["strokes_mark"] == other["strokes_mark"]:
                continue
            apart = difference(one["shape"], other["shape"])
            if apart <= window.terms.signature_difference:
                yield Found(
                    key=f"{one['number']}|{other['number']}",
                    dispatches=(one["id"], other["id"]),
                    expert=expert,
                    score=clipped(75 - 3 * apart),
                    facts={"形の差（0–255）": round(apart, 1)},
                )


def difference(one: Sequence[int], other: Sequence[int]) -> float:
    """How far two shapes are from each other, 0 for the same and 255 at most."""
    return sum(abs(a - b) for a, b in zip(one, other, strict=True)) / len(one)


def shape_of(strokes: Points) -> list[int]:
    """Points at equal distances along the strokes, within the frame of the whole: x and y by turns, 0 to 255.

    Empty for too few points or no size at all.
    """
    points = [(float(x), float(y)) for stroke in strokes for x, y in stroke]
    if len(points) < _FEWEST:
        return []
    left, top = min(x for x, _ in points), min(y for _, y in points)
    size = max(max(x for x, _ in points) - left, max(y for _, y in points) - top)
    along = [0.0]
    for (x, y), (to_x, to_y) in zip(points, points[1:], strict=False):
        along.append(along[-1] + math.hypot(to_x - x, to_y - y))
    if not size or not along[-1]:
        return []
    shape = []
    at = 0
    for step in range(SHAPE):
        wanted = along[-1] * step / (SHAPE - 1)
        while at < len(points) - 2 and along[at + 1] < wanted:
            at += 1
        part = along[at + 1] - along[at]
        share = (wanted - along[at]) / part if part else 0.0
        for axis, start in ((0, left), (1, top)):
            value = points[at][axis] + (points[at + 1][axis] - points[at][axis]) * min(share, 1.0)
            shape.append(max(0, min(255, round((value - start) * 255 / size))))
    return shape
