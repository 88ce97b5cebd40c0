"""What the page of a fraud signal shows side by side: its dispatches, two records, two texts, two signatures."""

import difflib
from dataclasses import dataclass
from typing import Any

from core.secrets import Unreadable
from dispatch.models import CheckEvent, Dispatch, ReviewSignal
from dispatch.signals_found.reports import plain
from portal_expert.models import CheckEventExtra
from portal_expert.signatures import svg_path, unpack
from rules import codes

# Facts that say where to look, not what was found.
_NOT_SHOWN = frozenset({"記録"})
_REPORTS = frozenset({"copied_report", "similar_report"})
_SIGNATURES = frozenset({"same_signature", "similar_signature", "same_signer", "expert_signed"})
# What is a number of something, not its name.
_COUNTED = {
    "派遣": "派遣（件）",
    "専門家": "専門家（人）",
    "支援先": "支援先（社）",
    "署名": "署名（件）",
    "報告": "報告（件）",
    "承認": "承認（件）",
    "申告書": "申告書（件）",
}
# How many texts or signatures stand beside each other.
_BESIDE = 4
# Shorter agreements are words everybody uses.
_PASSAGE = 6


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of a report, and whether the other report has it too."""

    text: str
    shared: bool


@dataclass(frozen=True, slots=True)
class Drawn:
    """A signature to be drawn."""

    dispatch: Dispatch
    signer: str
    path: str
    width: int
    height: int


def fact_rows(signal: ReviewSignal) -> list[tuple[str, str]]:
    """The facts in words, for a list."""
    return [
        (_COUNTED.get(name, name), _words(value))
        for name, value in signal.facts.items()
        if name not in _NOT_SHOWN
    ]


def _words(value: Any) -> str:
    if isinstance(value, bool):
        return "はい" if value else "いいえ"
    if isinstance(value, int | float):
        return f"{value:,}"
    return "、".join(str(each) for each in value) if isinstance(value, list) else str(value)


def evidence(signal: ReviewSignal, dispatches: list[Dispatch]) -> dict[str, Any]:
    """`dispatches` with their records, and what fits the kind: `events`, `reports`, `signatures`. Three queries at most."""
    by_id = {each.pk: each for each in dispatches}
    events = list(
        CheckEvent.objects.filter(dispatch__in=by_id)
        .order_by("device_time", "event_id")
        .select_related("extra")
        if by_id
        else ()
    )
    of_dispatch: dict[int, list[CheckEvent]] = {}
    for event in events:
        of_dispatch.setdefault(event.dispatch_id, []).append(event)
    named = signal.facts.get("記録", [])
    return {
        "rows": [(each, of_dispatch.get(each.pk, [])) for each in dispatches],
        "pair": [
            (event, by_id[event.dispatch_id])
            for event in sorted(events, key=lambda event: (event.device_time, event.event_id))
            if event.pk in named
        ],
        "reports": _reports(dispatches[:_BESIDE]) if signal.kind in _REPORTS else [],
        "signatures": _signatures(dispatches, events) if signal.kind in _SIGNATURES else [],
    }


def _reports(dispatches: list[Dispatch]) -> list[tuple[Dispatch, list[Passage]]]:
    """Each report with what it shares with the first one; the first with what it shares with the second."""
    if len(dispatches) < 2:
        return [(each, [Passage(each.report, False)]) for each in dispatches]
    first = dispatches[0].report
    return [
        (each, passages(each.report, dispatches[1].report if place == 0 else first))
        for place, each in enumerate(dispatches)
    ]


def passages(text: str, other: str) -> list[Passage]:
    """A text cut where it begins and ceases to agree with another one."""
    found: list[Passage] = []
    at = 0
    for block in difflib.SequenceMatcher(None, text, other, autojunk=False).get_matching_blocks():
        piece = text[block.a : block.a + block.size]
        if len(plain(piece)) < _PASSAGE:
            continue
        if block.a > at:
            found.append(Passage(text[at : block.a], False))
        found.append(Passage(piece, True))
        at = block.a + block.size
    if at < len(text):
        found.append(Passage(text[at:], False))
    return found


def _signatures(dispatches: list[Dispatch], events: list[CheckEvent]) -> list[Drawn]:
    by_id = {each.pk: each for each in dispatches}
    found = []
    for event in events:
        extra: CheckEventExtra | None = getattr(event, "extra", None)
        if event.kind != codes.EVENT_END or extra is None or not extra.signature_cipher:
            continue
        try:
            signature = unpack(extra.signature_cipher)
        except Unreadable:
            continue
        found.append(
            Drawn(
                by_id[event.dispatch_id],
                event.signer_name,
                svg_path(signature),
                signature["width"],
                signature["height"],
            )
        )
        if len(found) == _BESIDE:
            break
    return found
