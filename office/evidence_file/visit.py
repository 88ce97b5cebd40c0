"""The visit in the evidence file: times and places compared, every record received, the drawing, the signature."""

import re
from typing import Any

from core.documents.flow import WIDTH, Column, Flow
from core.documents.sheet import INK, LINE, QUIET
from dispatch.models import Dispatch
from dispatch.signatures import Drawn
from office.evidence_file.words import NONE, metres, seconds, short, span
from office.place_drawing import Drawing

_STROKE = re.compile(r"M(-?\d+) (-?\d+)((?:L-?\d+ -?\d+)*)")
_POINT = re.compile(r"L(-?\d+) (-?\d+)")
_DRAWING_HEIGHT = 190.0
_SIGNATURE_HEIGHT = 90.0


def evidence(flow: Flow, facts: dict[str, Any]) -> None:
    """Everything that shows that the visit took place."""
    dispatch: Dispatch = facts["dispatch"]
    flow.heading("実施の記録")
    minutes = facts["support_minutes"]
    basis = f"　時刻の出所：{dispatch.get_visit_basis_display()}" if dispatch.visit_basis else ""
    flow.facts(
        [
            ("実施", span(dispatch.visited_from, dispatch.visited_to)),
            (
                "休憩・支援時間",
                f"休憩 {dispatch.break_minutes or 0}分　支援時間 {minutes if minutes is not None else NONE}分{basis}",
            ),
        ]
    )
    flow.gap(6)
    flow.table(
        [
            Column("種別", 1),
            Column("実施時刻", 3),
            Column("端末の時刻", 3),
            Column("時刻の差", 3),
            Column("支援場所との距離", 4),
            Column("署名者", 3),
        ],
        [_check(row) for row in facts["visit_checks"]],
    )
    if facts["events"]:
        flow.gap(4)
        flow.table(
            [
                Column("受信した記録", 2),
                Column("端末の時刻", 3),
                Column("サーバの時刻", 3),
                Column("位置・精度", 4),
                Column("時計の差・測位・許可", 4),
                Column("イベントID", 4),
            ],
            [_event(event) for event in facts["events"]],
        )
    if facts["drawing"]:
        _place(flow, facts["drawing"])
    if facts["signature"]:
        _signature(flow, facts["signature"])
    for declaration in facts["declarations"]:
        flow.gap(6)
        times = f"申告した開始 {short(declaration.declared_from)}　終了 {short(declaration.declared_to)}"
        rows = [
            ("申告書", f"{declaration.cause}　提出 {short(declaration.submitted_at)}\n{times}"),
            ("理由", declaration.reason),
        ]
        if declaration.measures:
            rows.append(("再発防止策", declaration.measures))
        flow.facts(rows)


def _check(row: dict[str, Any]) -> tuple[str, ...]:
    judged = {True: "許容内", False: "許容外", None: ""}
    place = "確認対象外"
    if row["place_ok"] is not None:
        place = (
            "位置なし"
            if row["distance"] is None
            else f"{metres(row['distance'])}（許容 {metres(row['tolerance'])}）"
        )
        place += f" {judged[row['place_ok']]}"
    event = row["event"]
    return (
        row["kind"],
        short(row["approved_at"]),
        short(event.device_time) if event else "記録なし",
        f"{seconds(row['difference'])} {judged[row['time_ok']]}".strip(),
        place,
        row["signer"] or NONE,
    )


def _event(event: Any) -> tuple[str, ...]:
    extra = getattr(event, "extra", None)
    where = NONE
    if event.latitude is not None:
        where = f"{event.latitude}, {event.longitude} ±{metres(event.accuracy)}"
    how = NONE
    if extra is not None:
        age = "" if extra.fix_age is None else f" 測位から{extra.fix_age}秒"
        doubtful = " 要確認" if extra.clock_doubtful else ""
        how = f"{seconds(extra.skew_seconds)}{doubtful}{age} {extra.get_permission_display()}"
    return event.kind, short(event.device_time), short(event.received_at), where, how.strip(), event.event_id


def _place(flow: Flow, drawing: Drawing) -> None:
    """The drawing of the screen, with the same numbers."""
    flow.gap(6)
    frame = flow.area(_DRAWING_HEIGHT + 4)
    scale = min(_DRAWING_HEIGHT / drawing.height, WIDTH / 2 / drawing.width)
    sheet, top = flow.sheet, frame.y + frame.height
    sheet.box(frame.x, top - drawing.height * scale, drawing.width * scale, drawing.height * scale, line=LINE)

    def at(x: float, y: float) -> tuple[float, float]:
        return frame.x + x * scale, top - y * scale

    x, y = at(drawing.x, drawing.y)
    for radius in drawing.circles:
        sheet.circle(x, y, radius * scale, line=LINE)
    sheet.stroke([(x - 4, y), (x + 4, y)], weight=1.2)
    sheet.stroke([(x, y - 4), (x, y + 4)], weight=1.2)
    for mark in drawing.marks:
        right, up = at(mark.x, mark.y)
        sheet.circle(right, up, 2.2, line=INK, weight=1.4)
        if mark.accuracy:
            sheet.circle(right, up, mark.accuracy * scale, line=QUIET, weight=0.4)
        word_x, word_y = at(mark.label_x, mark.label_y)
        align = {"start": "left", "end": "right"}.get(mark.anchor, "center")
        sheet.text(word_x, word_y, mark.name, size=7.5, align=align)  # type: ignore[arg-type]
    foot = top - drawing.height * scale + 8
    sheet.stroke([(frame.x + 8, foot), (frame.x + 8 + drawing.scale_length * scale, foot)], weight=1.2)
    sheet.text(frame.x + 8, foot + 4, f"{drawing.scale_words}　北が上　＋ 支援場所", size=7, colour=QUIET)
    beside = frame.x + drawing.width * scale + 12
    sheet.paragraph(beside, top - 8, drawing.words, width=frame.x + WIDTH - beside, size=8)


def _signature(flow: Flow, signature: Drawn) -> None:
    """The strokes as they were drawn, and what was signed."""
    flow.gap(6)
    frame = flow.area(_SIGNATURE_HEIGHT)
    scale = min((_SIGNATURE_HEIGHT - 14) / signature["height"], WIDTH / 2 / signature["width"])
    sheet, top = flow.sheet, frame.y + frame.height - 12
    wide, high = signature["width"] * scale, signature["height"] * scale
    sheet.text(frame.x, top + 3, "支援先の署名", size=8, colour=QUIET)
    sheet.box(frame.x, top - high, wide, high, line=LINE)
    for begin_x, begin_y, rest in _STROKE.findall(signature["path"]):
        points = [(begin_x, begin_y), *_POINT.findall(rest)]
        sheet.stroke([(frame.x + int(x) * scale, top - int(y) * scale) for x, y in points])
    beside = frame.x + wide + 12
    text = f"署名した内容：{signature['text'] or NONE}"
    sheet.paragraph(beside, top - 8, text, width=frame.x + WIDTH - beside, size=8)
