"""Clients' signatures: strokes, kept encrypted beside their check event, opened and drawn again."""

import base64
import json
import zlib
from typing import TYPE_CHECKING, TypedDict

from core.secrets import Unreadable, decrypt

if TYPE_CHECKING:
    from accounts.models import User

    from .models import Dispatch


class Signature(TypedDict):
    """`strokes`: lists of [x, y]; `width` and `height` of the field; `text`: what was signed."""

    strokes: list[list[list[int]]]
    width: int
    height: int
    text: str


class Drawn(TypedDict):
    """A signature to show: the `d` of an SVG path in a field of that size, and the text that was signed."""

    path: str
    width: int
    height: int
    text: str


def unpack(cipher: str) -> Signature:
    """The signature behind a cipher. Raises core.secrets.Unreadable."""
    found: Signature = json.loads(zlib.decompress(base64.b64decode(decrypt(cipher))))
    return found


def svg_path(signature: Signature) -> str:
    """The strokes as the `d` of an SVG path; a stroke of one point is a dot."""
    parts = []
    for stroke in signature["strokes"]:
        (x, y), rest = stroke[0], stroke[1:]
        parts.append(f"M{x} {y}" + "".join(f"L{right} {down}" for right, down in rest or [[x, y]]))
    return "".join(parts)


def drawn_signature(dispatch: "Dispatch", user: "User") -> Drawn | None:
    """The latest signature of a dispatch as far as the person may see it; None without one that can be read.

    One query. What is drawn is kept beside the check event by whoever received it (`CheckEvent.extra`).
    """
    from .models import CheckEvent

    cipher = (
        CheckEvent.objects.visible_to(user)
        .filter(dispatch=dispatch, extra__isnull=False)
        .exclude(extra__signature_cipher="")
        .order_by("-device_time", "-pk")
        .values_list("extra__signature_cipher", flat=True)
        .first()
    )
    if cipher is None:
        return None
    try:
        signature = unpack(cipher)
    except Unreadable:
        return None
    return Drawn(
        path=svg_path(signature), width=signature["width"], height=signature["height"], text=signature["text"]
    )
