"""Fraud signals: looked for each night, decided by people, never a refusal (C13)."""

import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.backends.postgresql.psycopg_any import DateRange

from core import clock
from core.audit.acting import Actor, acting
from core.errors import DomainError
from core.jobs.progress import Progress

from ..models import ReviewSignal, SignalDecision, SignalTerms
from ..signals_found import KINDS, PREPARING, Found, Thresholds, Window
from .steps import allow, require_reason, somebody

_LOOK_LOCK = (119, 13)
MOST_WORDS = 2_000

# Known again by kind and key. Decided, it stays so unless its facts changed: then it is a new question.
SAVE = """
INSERT INTO dispatch_reviewsignal AS s
       (kind, key, dispatch_ids, expert_id, institution_id, company_id, score, facts, facts_mark, first_seen_at,
        last_seen_at, decision, decision_reason)
SELECT %(kind)s, n.key, ARRAY(SELECT jsonb_array_elements_text(n.dispatches)::bigint), n.expert, n.institution, n.company,
       n.score, n.facts, n.mark, %(now)s, %(now)s, '', ''
  FROM jsonb_to_recordset(%(found)s::jsonb) AS n
       (key text, dispatches jsonb, expert bigint, institution bigint, company bigint, score int, facts jsonb, mark text)
 ORDER BY n.key
ON CONFLICT (kind, key) DO UPDATE
   SET dispatch_ids = excluded.dispatch_ids, expert_id = excluded.expert_id, institution_id = excluded.institution_id,
       company_id = excluded.company_id, score = excluded.score, facts = excluded.facts,
       facts_mark = excluded.facts_mark, last_seen_at = excluded.last_seen_at, ended_at = NULL,
       first_seen_at = CASE WHEN s.facts_mark = excluded.facts_mark THEN s.first_seen_at ELSE excluded.first_seen_at END,
       decision = CASE WHEN s.facts_mark = excluded.facts_mark THEN s.decision ELSE '' END,
       decision_reason = CASE WHEN s.facts_mark = excluded.facts_mark THEN s.decision_reason ELSE '' END,
       decided_by_id = CASE WHEN s.facts_mark = excluded.facts_mark THEN s.decided_by_id END,
       decided_at = CASE WHEN s.facts_mark = excluded.facts_mark THEN s.decided_at END
"""

END = """
UPDATE dispatch_reviewsignal SET ended_at = %(now)s
 WHERE kind = %(kind)s AND ended_at IS NULL AND key <> ALL(%(keys)s)
"""


def thresholds(day: dt.date) -> Thresholds:
    """From what on something is suspicious on that day; the first values where nobody set any."""
    stored = SignalTerms.objects.filter(valid__contains=day).first()
    return Thresholds.from_values(stored.values if stored else {})


def look_for_signals(*, actor: Actor, progress: Progress | None = None) -> dict[str, Any]:
    """Looks over all dispatches of the window, kind by kind, and keeps what is found; answers how many of each kind.

    A kind is one transaction. When another look is under way it leaves the work to that one.
    """
    progress = progress or Progress()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", _LOOK_LOCK)
        if not cursor.fetchone()[0]:
            return {"skipped": True}
    try:
        terms = thresholds(clock.today())
        window = Window(clock.now() - dt.timedelta(days=terms.window_days), terms)
        total = len(PREPARING) + len(KINDS)
        progress.report(0, total, "指紋を作っています")
        for place, prepare in enumerate(PREPARING, start=1):
            prepare()
            progress.report(place, total, "指紋を作っています")
        counts = {}
        for place, kind in enumerate(KINDS.values(), start=len(PREPARING) + 1):
            found = sorted(kind.look(window), key=lambda each: (-each.score, each.key))
            counts[kind.code] = len(found)
            _keep(kind.code, found[: terms.most_of_a_kind], actor)
            progress.report(place, total, kind.title)
        return counts
    finally:
        if not connection.needs_rollback and connection.connection is not None:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", _LOOK_LOCK)


def _keep(kind: str, found: list[Found], actor: Actor) -> None:
    now = clock.now()
    rows = json.dumps(
        [
            {
                "key": each.key,
                "dispatches": list(each.dispatches),
                "expert": each.expert,
                "institution": each.institution,
                "company": each.company,
                "score": each.score,
                "facts": each.facts,
                "mark": _mark(each),
            }
            for each in found
        ],
        ensure_ascii=False,
    )
    with acting(actor, "look_for_signals"), connection.cursor() as cursor:
        cursor.execute(SAVE, {"kind": kind, "found": rows, "now": now})
        cursor.execute(END, {"kind": kind, "now": now, "keys": [each.key for each in found]})


def _mark(found: Found) -> str:
    said = json.dumps([sorted(found.dispatches), found.facts], ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()


def signal_version(signal: ReviewSignal) -> str:
    """Which facts and which decision a form was filled from."""
    decided = signal.decided_at.isoformat() if signal.decided_at else ""
    return f"{signal.facts_mark}|{decided}"


def decide_signal(
    *, signal: ReviewSignal, decision: str, reason: str, actor: Actor, version: str = ""
) -> ReviewSignal:
    """問題なし, 経過を見る or 調査・報告する, with a reason; it may be decided anew.

    `version` (signal_version) is of what the person was shown: other facts or another's decision since then are
    refused, a repetition of one's own decision does nothing. Nothing happens to the dispatches: holding or excluding
    one is an act of its own.
    """
    reason = require_reason(reason, "判断の理由")
    if len(reason) > MOST_WORDS:
        raise DomainError(f"判断の理由は{MOST_WORDS:,}文字以内にしてください。", code="reason")
    if decision not in ReviewSignal.Decision.values:
        raise DomainError("判断を選んでください。", code="decision")
    with acting(actor, "decide_signal", reason):
        allow(actor, "see_signals")
        row = ReviewSignal.objects.select_for_update(of=("self",)).get(pk=signal.pk)
        if (row.decision, row.decision_reason, row.decided_by_id) == (decision, reason, actor.pk):
            return row
        if version and version != signal_version(row):
            _refuse_stale(row, version)
        row.decision, row.decision_reason = decision, reason
        row.decided_by, row.decided_at = somebody(actor), clock.now()
        row.save(update_fields=["decision", "decision_reason", "decided_by", "decided_at"])
        SignalDecision.objects.create(
            signal=row,
            decision=decision,
            reason=reason,
            facts=row.facts,
            decided_by=row.decided_by,
            decided_at=row.decided_at,
        )
        return row


def _refuse_stale(row: ReviewSignal, version: str) -> None:
    if version.partition("|")[0] == row.facts_mark and row.decided_by is not None:
        raise DomainError(
            f"画面を開いた後に、{row.decided_by.get_full_name()}さんが「{row.get_decision_display()}」と判断しました。"
            "その理由を読み、それでも変えるときは、もう一度送信してください。",
            code="stale",
        )
    raise DomainError(
        "画面を開いた後に、この兆候の事実が変わりました。新しい内容を確認して、もう一度判断してください。",
        code="stale",
    )


def set_signal_terms(
    *, name: str, first_day: dt.date, values: Mapping[str, int], actor: Actor
) -> SignalTerms:
    """New thresholds from `first_day` on; those in force then end the day before. What isn't named stays as it was.

    Refuses unknown names, what is no whole number, and days for which later thresholds are set.
    """
    allow(actor, "set_signal_terms")
    try:
        with acting(actor, "set_signal_terms"), transaction.atomic():
            before = SignalTerms.objects.select_for_update().filter(valid__contains=first_day).first()
            merged = {**(before.values if before else {}), **values}
            Thresholds.from_values(merged)
            if before is not None:
                if before.valid.lower == first_day:
                    raise DomainError("この日に始まる基準が既にあります。別の初日にしてください。")
                before.valid = DateRange(before.valid.lower, first_day)
                before.save(update_fields=["valid"])
            return SignalTerms.objects.create(name=name, valid=DateRange(first_day, None), values=merged)
    except IntegrityError as refused:
        raise DomainError("有効期間がほかの基準と重なっています。初日を確認してください。") from refused
