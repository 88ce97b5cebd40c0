"""Fingerprints of the signatures that phones sent, for the look after fraud (dispatch/signals_found/signatures.py)."""

import hashlib
import json
import logging

from core.secrets import Unreadable
from dispatch.models import SignatureSketch
from dispatch.signals_found import prepares
from dispatch.signals_found.signatures import Points, shape_of

from .models import CheckEventExtra
from .signatures import unpack

log = logging.getLogger(__name__)
_AT_A_TIME = 500


@prepares
def sketch_signatures() -> int:
    """Makes the fingerprints of signatures that have none yet; answers how many."""
    made = 0
    waiting = CheckEventExtra.objects.exclude(signature_cipher="").filter(event__signature_sketch=None)
    while batch := list(waiting.order_by("pk").values_list("event_id", "signature_cipher")[:_AT_A_TIME]):
        SignatureSketch.objects.bulk_create(
            [_sketch(event, cipher) for event, cipher in batch], ignore_conflicts=True
        )
        made += len(batch)
    return made


def _sketch(event: int, cipher: str) -> SignatureSketch:
    try:
        strokes = unpack(cipher)["strokes"]
    except Unreadable:
        log.warning("signature of event %s can't be read", event)
        return SignatureSketch(event_id=event, strokes_mark="", shape=[])
    shape = shape_of(strokes)
    return SignatureSketch(event_id=event, strokes_mark=mark_of(strokes) if shape else "", shape=shape)


def mark_of(strokes: Points) -> str:
    """The SHA-256 of the strokes wherever in the field they were drawn."""
    left = min(x for stroke in strokes for x, _ in stroke)
    top = min(y for stroke in strokes for _, y in stroke)
    moved = [[[x - left, y - top] for x, y in stroke] for stroke in strokes]
    return hashlib.sha256(json.dumps(moved).encode()).hexdigest()
