"""Signatures as strokes: checked, packed and encrypted; dispatch.signatures reads and draws them.

Strokes are kept, not a picture: they are small, can be drawn at any size, and no picture file of a stranger's
has to be opened. With them goes the text that was on the screen when it was signed.
"""

import base64
import hashlib
import json
import zlib
from decimal import Decimal
from typing import Any

from core.secrets import encrypt
from dispatch.signatures import Signature, svg_path, unpack

__all__ = ["NoSignature", "Signature", "pack", "read_signature", "svg_path", "unpack"]

MOST_STROKES = 500
MOST_POINTS = 20_000
MOST_TEXT = 2_000
# a canvas is never larger than this, in CSS pixels
_FARTHEST = 10_000


class NoSignature(ValueError):
    """What was sent is no signature; the message says why, in Japanese."""


def read_signature(raw: Any) -> Signature:
    """A signature as it was sent, checked. Raises NoSignature."""
    if not isinstance(raw, dict):
        raise NoSignature("署名の形式が正しくありません。")
    text, strokes = raw.get("text", ""), raw.get("strokes")
    if not isinstance(text, str) or len(text) > MOST_TEXT or not _storable(text):
        raise NoSignature(f"署名の対象の文章は{MOST_TEXT:,}文字以内にしてください。")
    if not isinstance(strokes, list) or not 0 < len(strokes) <= MOST_STROKES:
        raise NoSignature(f"署名の線は1本以上{MOST_STROKES}本以内にしてください。")
    if not all(isinstance(stroke, list) and stroke for stroke in strokes):
        raise NoSignature("署名の線の形式が正しくありません。")
    if sum(len(stroke) for stroke in strokes) > MOST_POINTS:
        raise NoSignature(f"署名の点は{MOST_POINTS:,}個以内にしてください。")
    return Signature(
        strokes=[[_point(point) for point in stroke] for stroke in strokes],
        width=_length(raw.get("width")),
        height=_length(raw.get("height")),
        text=text,
    )


def _storable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\x00" not in text


def _point(raw: Any) -> list[int]:
    if not isinstance(raw, list) or len(raw) != 2:
        raise NoSignature("署名の点は [x, y] の形にしてください。")
    return [_coordinate(raw[0]), _coordinate(raw[1])]


def _coordinate(raw: Any) -> int:
    if (
        isinstance(raw, bool)
        or not isinstance(raw, int | float | Decimal)
        or not -_FARTHEST <= raw <= _FARTHEST
    ):
        raise NoSignature("署名の座標が範囲外です。")
    return round(raw)


def _length(raw: Any) -> int:
    length = _coordinate(raw)
    if length <= 0:
        raise NoSignature("署名欄の大きさが正しくありません。")
    return length


def pack(signature: Signature) -> tuple[str, str]:
    """The cipher and the SHA-256 of a signature."""
    plain = json.dumps(signature, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    packed = base64.b64encode(zlib.compress(plain, 9)).decode()
    return encrypt(packed), hashlib.sha256(plain).hexdigest()
