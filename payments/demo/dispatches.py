"""One dispatch of the story while it is being written: its facts, its evidence, its claim, and its rows in the end."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Final

from . import texts
from .clients import Client
from .experts import Expert
from .institutions import Institution
from .rows import Row, Value, row
from .travel import Line

FACE_TO_FACE: Final = "対面"
WEB: Final = "WEB"

CLAIM_COLUMNS: Final = (
    "利用日", "種別", "出発地", "到着地", "距離km", "運賃", "特急料金", "指定席料金", "往復割引運賃", "通常運賃", "請求額",
    "領収書", "半券", "座席", "公共交通機関なし", "高速船", "並行航路", "宿泊種別", "認定距離km", "認定額", "必要理由",
)  # fmt: skip
_YES_NO: Final = frozenset(("領収書", "半券", "公共交通機関なし", "高速船", "並行航路"))


@dataclass
class Event:
    """A check-in or check-out."""

    id: str
    kind: str
    at: datetime
    latitude: float | None
    longitude: float | None
    accuracy: int | None
    signer: str = ""


@dataclass
class Declared:
    """A declaration of one cause."""

    cause: str
    start: datetime | None
    end: datetime | None
    at: datetime
    reason: str


@dataclass
class Dispatch:
    """A dispatch; what has not happened yet is None or empty."""

    institution: Institution
    expert: Expert
    client: Client
    topic: str
    planned_from: datetime
    planned_to: datetime
    number: str = ""
    method: str = FACE_TO_FACE
    web_approved: bool = False
    place: str = ""
    latitude: float | None = None
    longitude: float | None = None
    visited_from: datetime | None = None
    visited_to: datetime | None = None
    break_minutes: int | None = None
    accompanied: bool = False
    accompanied_from: datetime | None = None
    accompanied_to: datetime | None = None
    no_accompaniment_reason: str = ""
    requested_by_expert: bool = False
    paid_by_institution: bool = False
    limit_exception: bool = False
    report: str = ""
    reported_at: datetime | None = None
    attested_at: datetime | None = None
    approved_at: datetime | None = None
    state: str = ""
    end_reason: str = ""
    itinerary: str = ""
    office_decision: str = ""
    office_decision_reason: str = ""
    events: list[Event] = field(default_factory=list)
    declarations: list[Declared] = field(default_factory=list)
    claim: list[Line] = field(default_factory=list)
    # a part of the story hangs on it: nothing else may be changed
    fixed: bool = False

    def row(self) -> Row:
        """Its row in dispatches.csv."""
        values: dict[str, Value] = {
            "派遣番号": self.number,
            "機関コード": self.institution.code,
            "専門家コード": self.expert.code,
            "企業コード": self.client.code,
            "経営課題": self.topic,
            "実施方式": self.method,
            "WEB事前承認": self.web_approved,
            "支援場所": self.place,
            "緯度": self.latitude,
            "経度": self.longitude,
            "予定開始": self.planned_from,
            "予定終了": self.planned_to,
            "実施開始": self.visited_from,
            "実施終了": self.visited_to,
            "休憩分": self.break_minutes,
            "同行": self.accompanied,
            "同行開始": self.accompanied_from,
            "同行終了": self.accompanied_to,
            "同行無の理由": self.no_accompaniment_reason,
            "専門家からの要請": self.requested_by_expert,
            "機関からの給与謝金": self.paid_by_institution,
            "上限例外承認": self.limit_exception,
            "支援内容": self.report,
            "報告日時": self.reported_at,
            "従事証明日時": self.attested_at,
            "機関承認日時": self.approved_at,
            "状態": self.state,
            "取消理由": self.end_reason,
            "行程番号": self.itinerary,
            "事務局判断": self.office_decision,
            "事務局判断理由": self.office_decision_reason,
        }
        return row(values)

    def event_rows(self) -> list[Row]:
        """Its rows in check_events.csv."""
        return [
            row(
                {
                    "イベントID": event.id,
                    "派遣番号": self.number,
                    "種別": event.kind,
                    "端末時刻": event.at,
                    "緯度": event.latitude,
                    "経度": event.longitude,
                    "精度m": event.accuracy,
                    "署名者氏名": event.signer,
                }
            )
            for event in self.events
        ]

    def declaration_rows(self) -> list[Row]:
        """Its rows in declarations.csv."""
        return [
            row(
                {
                    "派遣番号": self.number,
                    "事由": declared.cause,
                    "申告開始": declared.start,
                    "申告終了": declared.end,
                    "提出日時": declared.at,
                    "理由": declared.reason,
                }
            )
            for declared in self.declarations
        ]

    def claim_rows(self) -> list[Row]:
        """Its rows in travel_claims.csv."""
        return [
            {"派遣番号": self.number, "行番号": str(line_no)}
            | row(
                {column: line.get(column, False if column in _YES_NO else None) for column in CLAIM_COLUMNS}
            )
            for line_no, line in enumerate(self.claim, start=1)
        ]


def event_of(dispatch: Dispatch, kind: str) -> Event:
    """Its 開始 or 終了."""
    return next(event for event in dispatch.events if event.kind == kind)


def take_place(dispatch: Dispatch, rng: Random, *, exactly: bool = False) -> None:
    """The visit happens as planned, more or less or `exactly`: times, check-in and check-out, accompaniment."""
    start, end = dispatch.planned_from, dispatch.planned_to
    if not exactly:
        start += timedelta(minutes=rng.choice((0, 0, 0, 0, 5, 10, -5)))
        end += timedelta(minutes=rng.choice((0, 0, 0, 0, 5, -10, 15)))
    dispatch.visited_from, dispatch.visited_to = start, end
    if end - start >= timedelta(hours=5, minutes=30):
        dispatch.break_minutes = 60
    in_person = dispatch.method == FACE_TO_FACE
    signer = rng.choice((f"代表 {dispatch.client.owner.written}", dispatch.client.owner.written))
    for kind, moment in (("開始", start), ("終了", end)):
        latitude = longitude = None
        if in_person and dispatch.latitude is not None and dispatch.longitude is not None:
            latitude = round(dispatch.latitude + rng.uniform(-0.0006, 0.0006), 6)
            longitude = round(dispatch.longitude + rng.uniform(-0.0006, 0.0006), 6)
        dispatch.events.append(
            Event(
                str(uuid.UUID(int=rng.getrandbits(128), version=4)),
                kind,
                moment + timedelta(seconds=rng.randint(-240, 300)),
                latitude,
                longitude,
                rng.choice((5, 8, 12, 20, 35, 65)) if in_person else None,
                signer if in_person and kind == "終了" else "",
            )
        )
    if rng.random() < 0.7:
        dispatch.accompanied = True
        dispatch.accompanied_from = start
        dispatch.accompanied_to = end if rng.random() < 0.6 else start + (end - start) / 2
    else:
        dispatch.no_accompaniment_reason = rng.choice(texts.GOING_ALONE)


def hand_in(
    dispatch: Dispatch,
    now: datetime,
    rng: Random,
    latest_approval: datetime | None = None,
    earliest_approval: datetime | None = None,
) -> None:
    """Report, attestation and approval follow within days, as far as they lie before `now`.

    `latest_approval`: at the end of the year everybody hurries. `earliest_approval`: or the institution is late.
    """
    assert dispatch.visited_to is not None
    end = dispatch.visited_to
    reported = _office_hours(
        end + timedelta(hours=rng.choice((2, 3, 20, 22, 26, 44)), minutes=rng.randint(0, 59))
    )
    attested = _office_hours(
        end + timedelta(hours=rng.choice((3, 5, 19, 24, 30, 48)), minutes=rng.randint(0, 59))
    )
    if latest_approval is not None:
        reported, attested = end + timedelta(minutes=5), end + timedelta(minutes=12)
    approved = _office_hours(
        max(reported, attested) + timedelta(hours=rng.choice((1, 2, 18, 24, 48)), minutes=7)
    )
    if latest_approval is not None:
        approved = max(min(approved, latest_approval), attested + timedelta(minutes=10))
    if reported < now:
        dispatch.reported_at = reported
        dispatch.report = texts.report(dispatch.topic, dispatch.client.product, rng)
    else:
        dispatch.claim.clear()
    if attested < now:
        dispatch.attested_at = attested
    if earliest_approval is not None:
        approved = max(approved, earliest_approval)
    if approved < now:
        dispatch.approved_at = approved


def _office_hours(moment: datetime) -> datetime:
    """The moment, or the next morning when it falls into the night."""
    if moment.hour >= 21:
        moment = (moment + timedelta(days=1)).replace(hour=8)
    elif moment.hour < 7:
        moment = moment.replace(hour=8)
    return moment.replace(second=0, microsecond=0)
