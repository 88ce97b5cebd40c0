"""Reading check events as a phone sends them: every event is judged alone, a bad one never stops the rest."""

import datetime as dt
import hashlib
import json
import uuid
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.dateparse import parse_datetime

from portal_expert.models import CheckEventExtra
from portal_expert.signatures import NoSignature, Signature, pack, read_signature
from rules import codes

MOST_DIGITS = 24
_FIRST = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
_LAST = dt.datetime(2100, 1, 1, tzinfo=dt.UTC)
_MOST_SECONDS = 10**9


class Refused(ValueError):
    """This event can't be kept; the message says why, in Japanese."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """One event as it was sent, in values the database takes. `sent_time` is no part of what makes it the same event."""

    event_id: str
    dispatch: str
    kind: str
    device_time: dt.datetime
    latitude: Decimal | None
    longitude: Decimal | None
    accuracy: Decimal | None
    fix_age: int | None
    permission: str
    signer_name: str
    signature: Signature | None
    sent_time: dt.datetime | None

    @property
    def content_hash(self) -> str:
        """The SHA-256 of what the event says; the same event sent again has the same."""
        said = [
            self.event_id,
            self.dispatch,
            self.kind,
            self.device_time.astimezone(dt.UTC).isoformat(),
            *(None if value is None else f"{value.normalize():f}" for value in self._numbers),
            self.fix_age,
            self.permission,
            self.signer_name,
            self.signature,
        ]
        return hashlib.sha256(json.dumps(said, ensure_ascii=False, sort_keys=True).encode()).hexdigest()

    @property
    def _numbers(self) -> tuple[Decimal | None, ...]:
        return self.latitude, self.longitude, self.accuracy

    def skew(self, now: dt.datetime) -> int | None:
        """By how many seconds the phone's clock is ahead of ours; None when it can't be known.

        An event may be sent hours later, so only the clock at sending tells; an event from the future tells, too.
        """
        if self.sent_time is not None:
            return round((self.sent_time - now).total_seconds())
        ahead = round((self.device_time - now).total_seconds())
        return ahead if ahead > 0 else None

    def row(self, ord: int, now: dt.datetime, tolerated: int) -> dict[str, Any]:
        """The event as the receiving statement takes it."""
        cipher, mark = pack(self.signature) if self.signature else ("", "")
        skew = self.skew(now)
        early = (now - self.device_time).total_seconds() < -tolerated
        return {
            "ord": ord,
            "event_id": self.event_id,
            "number": self.dispatch,
            "kind": self.kind,
            "device_time": self.device_time.isoformat(),
            "latitude": _text(self.latitude),
            "longitude": _text(self.longitude),
            "accuracy": _text(self.accuracy),
            "fix_age": self.fix_age,
            "permission": self.permission,
            "signer_name": self.signer_name,
            "sent_time": self.sent_time.isoformat() if self.sent_time else None,
            "skew_seconds": skew,
            "clock_doubtful": early or (skew is not None and abs(skew) > tolerated),
            "signature_cipher": cipher,
            "signature_hash": mark,
            "content_hash": self.content_hash,
        }


def _text(value: Decimal | None) -> str | None:
    return None if value is None else f"{value:f}"


def read_event(raw: Any) -> Incoming:
    """One event of the list that was sent. Raises Refused."""
    if not isinstance(raw, dict):
        raise Refused("イベントの形式が正しくありません。")
    latitude = _number(raw, "latitude", "緯度", -90, 90)
    longitude = _number(raw, "longitude", "経度", -180, 180)
    if (latitude is None) != (longitude is None):
        raise Refused("緯度と経度は両方送るか、両方省いてください。")
    return Incoming(
        event_id=_event_id(raw.get("event_id")),
        dispatch=_words(raw, "dispatch", "派遣番号", 64, required=True),
        kind=_one_of(raw, "kind", "種別", codes.EVENT_KINDS),
        device_time=_moment(raw, "device_time", "端末時刻", required=True),
        latitude=latitude,
        longitude=longitude,
        accuracy=_number(raw, "accuracy", "精度", 0, 9_999_999_999),
        fix_age=_seconds(raw, "fix_age", "測位からの秒数"),
        permission=_permission(raw),
        signer_name=_words(raw, "signer_name", "署名者氏名", 200),
        signature=_signature(raw.get("signature")),
        sent_time=_moment(raw, "sent_time", "送信時刻"),
    )


def _event_id(raw: Any) -> str:
    try:
        found = uuid.UUID(raw)
    except (ValueError, TypeError, AttributeError):
        found = None
    if found is None or str(found) != raw.lower():
        raise Refused("event_id は 8-4-4-4-12 桁の UUID にしてください。")
    return str(found)


def _words(raw: dict[str, Any], key: str, label: str, longest: int, *, required: bool = False) -> str:
    value = raw.get(key)
    if value is None and not required:
        return ""
    if not isinstance(value, str) or (required and not value):
        raise Refused(f"{label}（{key}）を文字で送ってください。")
    if len(value) > longest:
        raise Refused(f"{label}（{key}）は{longest}文字以内にしてください。")
    if not value.isprintable():  # control characters, halves of surrogate pairs
        raise Refused(f"{label}（{key}）に使えない文字があります。")
    return value.strip()


def _one_of(raw: dict[str, Any], key: str, label: str, known: Any) -> str:
    value = raw.get(key)
    if not isinstance(value, str) or value not in known:
        raise Refused(f"{label}（{key}）は{'、'.join(known)}のいずれかにしてください。")
    return value


def _permission(raw: dict[str, Any]) -> str:
    if raw.get("permission") in (None, ""):
        return ""
    return _one_of(raw, "permission", "位置情報の許可", CheckEventExtra.Permission.values)


def _number(raw: dict[str, Any], key: str, label: str, least: int, greatest: int) -> Decimal | None:
    value = raw.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise Refused(f"{label}（{key}）は数で送ってください。")
    number = Decimal(str(value))
    if not number.is_finite() or not least <= number <= greatest:
        raise Refused(f"{label}（{key}）は{least}から{greatest}の間にしてください。")
    if abs(int(number.as_tuple().exponent)) > MOST_DIGITS or len(number.as_tuple().digits) > MOST_DIGITS:
        raise Refused(f"{label}（{key}）の桁が多すぎます。")
    return number


def _seconds(raw: dict[str, Any], key: str, label: str) -> int | None:
    number = _number(raw, key, label, 0, _MOST_SECONDS)
    return None if number is None else round(number)


def _moment(raw: dict[str, Any], key: str, label: str, *, required: bool = False) -> Any:
    value = raw.get(key)
    if value is None and not required:
        return None
    try:
        moment = parse_datetime(value) if isinstance(value, str) else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise Refused(f"{label}（{key}）は 2026-11-20T10:00:00+09:00 の形で、時差を付けて送ってください。")
    if not _FIRST <= moment < _LAST:
        raise Refused(f"{label}（{key}）は2000年から2099年の間にしてください。")
    return moment


def _signature(raw: Any) -> Signature | None:
    if raw is None:
        return None
    try:
        return read_signature(raw)
    except NoSignature as problem:
        raise Refused(str(problem)) from None
