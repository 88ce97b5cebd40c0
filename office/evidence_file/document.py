"""The evidence file of a dispatch: application, visit, signature, report, attestation, claim, money, history, receipts.

Text is drawn by core.documents; receipts that came as PDF are placed page by page into frames, as they are kept.
"""

from __future__ import annotations

import datetime as dt
import io
from typing import Any

from pypdf import PageObject, PdfReader, PdfWriter, Transformation

from accounts.models import User
from core import clock
from core.documents.flow import Flow, Frame
from core.documents.sheet import Sheet
from core.documents.wording import long_date
from dispatch.models import Attestation, Declaration, Dispatch, Finding, Inquiry, Receipt
from dispatch.services.receipts import receipt_content, receipts_of
from office.evidence import dispatch_page
from office.evidence_file import money, papers, visit
from office.travel_lines import travel_section

_AUTHOR = "専門家派遣事業 事務局"


def evidence_pdf(dispatch: Dispatch, user: User) -> bytes:
    """The file of a dispatch as this person may see it, as of now. `dispatch` with expert, institution, company."""
    facts = _gather(dispatch, user)
    made = clock.now()
    # the first time only counts the pages
    _, flow, _ = _drawn(facts, made, total=0)
    sheet, _, frames = _drawn(facts, made, total=flow.pages)
    return _with_pages(sheet.pdf(), frames)


def _gather(dispatch: Dispatch, user: User) -> dict[str, Any]:
    receipts = receipts_of(dispatch, user, removed=True)
    return {
        "dispatch": dispatch,
        **dispatch_page(dispatch, user),
        "findings": list(Finding.objects.visible_to(user).filter(dispatch=dispatch).order_by("kind", "code")),
        "attestations": list(
            Attestation.objects.visible_to(user).filter(dispatch=dispatch).order_by("answered_at")
        ),
        "inquiries": list(
            Inquiry.objects.visible_to(user)
            .filter(dispatch=dispatch)
            .select_related("asked_by", "answered_by")
            .order_by("asked_at")
        ),
        "declarations": list(
            Declaration.objects.visible_to(user).filter(dispatch=dispatch).order_by("cause")
        ),
        "travel": travel_section(dispatch),
        "receipts": receipts,
        "contents": {
            receipt.pk: _content(receipt, user)
            for receipt in receipts
            if receipt.can_be_seen and receipt.removed_at is None
        },
    }


def _content(receipt: Receipt, user: User) -> bytes:
    with receipt_content(receipt, user) as file:
        return file.read()


def _drawn(
    facts: dict[str, Any], made: dt.datetime, *, total: int
) -> tuple[Sheet, Flow, list[tuple[Frame, PageObject]]]:
    dispatch: Dispatch = facts["dispatch"]
    sheet = Sheet(
        title=f"証拠書類一式 {dispatch.number}", author=_AUTHOR, subject=dispatch.number, dated=made.date()
    )
    running = f"証拠書類一式　派遣 {dispatch.number}　{dispatch.expert.name}　{dispatch.company.name}"
    flow = Flow(sheet, running=running, total=total)
    day = clock.jst(made)
    flow.title(
        f"証拠書類一式　派遣 {dispatch.number}",
        f"{long_date(day.date())} {day:%H:%M} 現在　状態 {dispatch.get_status_display()}",
    )
    papers.contents(flow, facts)
    papers.application(flow, facts)
    visit.evidence(flow, facts)
    papers.report(flow, facts)
    money.travel(flow, facts)
    money.calculation(flow, facts)
    papers.findings(flow, facts)
    papers.history(flow, facts)
    papers.receipt_list(flow, facts)
    return sheet, flow, _receipts(flow, facts)


def _receipts(flow: Flow, facts: dict[str, Any]) -> list[tuple[Frame, PageObject]]:
    """Each receipt on pages of its own; answers the frames into which pages of PDFs are placed afterwards."""
    frames = []
    shown = [receipt for receipt in facts["receipts"] if receipt.pk in facts["contents"]]
    for place, receipt in enumerate(shown, start=1):
        content = facts["contents"][receipt.pk]
        caption = f"{place}. {papers.receipt_name(receipt)}"
        if receipt.is_picture:
            frame = flow.page_frame(caption)
            flow.sheet.picture(content, frame.x, frame.y, frame.width, frame.height)
            continue
        pages = PdfReader(io.BytesIO(content)).pages
        for number, page in enumerate(pages, start=1):
            frames.append((flow.page_frame(f"{caption}　{number}/{len(pages)}ページ"), page))
    return frames


def _with_pages(pdf: bytes, frames: list[tuple[Frame, PageObject]]) -> bytes:
    """The document with the pages of other PDFs placed into their frames."""
    if not frames:
        return pdf
    writer = PdfWriter(clone_from=io.BytesIO(pdf))
    for frame, page in frames:
        writer.pages[frame.page].merge_transformed_page(page, _into(frame, page))
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def _into(frame: Frame, page: PageObject) -> Transformation:
    """How a page, turned as its file says, comes into a frame: as large as fits, in its middle."""
    box, turned = page.cropbox, page.rotation % 360
    wide, high = float(box.width), float(box.height)
    upright = Transformation().translate(-float(box.left), -float(box.bottom)).rotate(-turned)
    back = {90: (0.0, wide), 180: (wide, high), 270: (high, 0.0)}.get(turned, (0.0, 0.0))
    if turned in (90, 270):
        wide, high = high, wide
    scale = min(frame.width / wide, frame.height / high)
    left = frame.x + (frame.width - wide * scale) / 2
    bottom = frame.y + (frame.height - high * scale) / 2
    return upright.translate(*back).scale(scale).translate(left, bottom)
