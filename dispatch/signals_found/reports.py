"""Copied reports: equal texts, and texts that share most of their parts.

Of each report a fingerprint is kept (ReportSketch): a hash of the text without blanks, figures and marks, and the
smallest hashes of its parts of six letters. Texts that share many of these share about as much of their text; what
they really share is measured for the few pairs that come out.
"""

import re
import unicodedata
from collections.abc import Iterator

from django.db import connection

from .registry import Found, Window, clipped, prepares, rows, signal
from .visits import NAMED, TOOK_PLACE

PART = 6
# How many hashes of a text are kept, and how many letters of it are looked at.
SKETCH = 16
LETTERS = 1_000
# A part that stands in more texts than this is a phrase everybody uses.
_COMMON = 30
_IGNORED = "[[:space:]0-9A-Za-z、。，．・：；！？「」『』（）()\\[\\]【】/／\\-‐–—~〜…]"

_SKETCHES = f"""
INSERT INTO dispatch_reportsketch AS s (dispatch_id, source, text_mark, sketch)
SELECT d.id, md5(d.report), md5(t.text),
       coalesce((SELECT array_agg(h ORDER BY h) FROM (
                    SELECT DISTINCT hashtextextended(substr(t.text, n, {PART}), 0) AS h
                      FROM generate_series(1, greatest(length(t.text) - {PART} + 1, 1)) n
                     ORDER BY h LIMIT {SKETCH}) part), '{{}}')
  FROM dispatch_dispatch d
  LEFT JOIN dispatch_reportsketch old ON old.dispatch_id = d.id
 CROSS JOIN LATERAL (SELECT left(regexp_replace(normalize(d.report, NFKC), '{_IGNORED}', '', 'g'), {LETTERS}) AS text
                     OFFSET 0) t
 WHERE d.report <> '' AND d.visited_from IS NOT NULL AND old.source IS DISTINCT FROM md5(d.report)
ON CONFLICT (dispatch_id) DO UPDATE
   SET source = excluded.source, text_mark = excluded.text_mark, sketch = excluded.sketch
"""


@prepares
def sketch_reports() -> int:
    """Makes the fingerprints of reports that are new or changed; answers how many."""
    with connection.cursor() as cursor:
        cursor.execute(_SKETCHES)
        return int(cursor.rowcount)


_EQUAL = f"""
SELECT s.text_mark, count(*) AS times, count(DISTINCT d.expert_id) AS experts,
       count(DISTINCT d.company_id) AS clients, min(d.expert_id) AS expert_id,
       (array_agg(d.id ORDER BY d.id DESC))[1:{NAMED}] AS dispatches, max(length(d.report)) AS letters
  FROM dispatch_reportsketch s JOIN dispatch_dispatch d ON d.id = s.dispatch_id
 WHERE {TOOK_PLACE}
 GROUP BY s.text_mark
HAVING count(*) > 1 AND count(DISTINCT d.company_id) > 1 AND max(length(d.report)) >= %(report_letters)s
"""


@signal("copied_report", "同じ文章の報告", "別の支援先の報告が、数字や記号のほかは同じ文章です。")
def equal_reports(window: Window) -> Iterator[Found]:
    """The same report for different clients."""
    for row in rows(_EQUAL, window):
        yield Found(
            key=row["text_mark"],
            dispatches=tuple(row["dispatches"]),
            expert=row["expert_id"] if row["experts"] == 1 else None,
            score=clipped(
                35
                + min(row["times"] * 3, 25)
                + min(row["letters"] / 20, 20)
                + (15 if row["experts"] > 1 else 0)
            ),
            facts={
                "報告": row["times"],
                "専門家": row["experts"],
                "支援先": row["clients"],
                "文字数": row["letters"],
            },
        )


_ALIKE = f"""
WITH texts AS (
    SELECT DISTINCT ON (s.text_mark) d.id, s.sketch
      FROM dispatch_reportsketch s JOIN dispatch_dispatch d ON d.id = s.dispatch_id
     WHERE {TOOK_PLACE} AND length(d.report) >= %(report_letters)s
     ORDER BY s.text_mark, d.id
), parts AS MATERIALIZED (
    SELECT id, unnest(sketch) AS part FROM texts
), telling AS (
    SELECT part FROM parts GROUP BY part HAVING count(*) BETWEEN 2 AND {_COMMON}
), pairs AS (
    SELECT a.id AS one, b.id AS other, count(*) AS shared
      FROM telling JOIN parts a USING (part) JOIN parts b USING (part)
     WHERE a.id < b.id GROUP BY 1, 2
    HAVING count(*) * 100 >= {SKETCH} * (%(report_percent)s - 25)
     ORDER BY shared DESC LIMIT 4 * %(most_of_a_kind)s
)
SELECT p.one, p.other, a.number, b.number AS other_number, a.report, b.report AS other_report, a.expert_id,
       b.expert_id AS other_expert_id
  FROM pairs p JOIN dispatch_dispatch a ON a.id = p.one JOIN dispatch_dispatch b ON b.id = p.other
 WHERE a.company_id <> b.company_id
"""

_LETTERS = re.compile(r"[\s0-9A-Za-z、。，．・：；！？「」『』（）()\[\]【】/／\-‐–—~〜…]")


def plain(text: str) -> str:
    """A report as it is compared: without blanks, figures and marks."""
    return _LETTERS.sub("", unicodedata.normalize("NFKC", text))


def shared_percent(one: str, other: str) -> int:
    """How much of the shorter of two reports stands in the other, in parts of six letters."""
    a, b = (
        {text[at : at + PART] for at in range(max(1, len(text) - PART + 1))}
        for text in (plain(one), plain(other))
    )
    return len(a & b) * 100 // max(1, min(len(a), len(b)))


@signal("similar_report", "よく似た報告", "別の支援先の報告の文章が、大きく重なっています。")
def similar_reports(window: Window) -> Iterator[Found]:
    """Two reports for different clients that share most of their text."""
    for row in rows(_ALIKE, window):
        percent = shared_percent(row["report"], row["other_report"])
        if percent < window.terms.report_percent:
            continue
        one_expert = row["expert_id"] == row["other_expert_id"]
        yield Found(
            key=f"{row['number']}|{row['other_number']}",
            dispatches=(row["one"], row["other"]),
            expert=row["expert_id"] if one_expert else None,
            score=clipped(percent * 0.6 + (0 if one_expert else 15)),
            facts={"一致（%）": percent, "同じ専門家": one_expert},
        )
