"""Receipts and other evidence pictures of a dispatch: added, put to lines of the claim, removed, opened."""

import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from django.conf import settings

from accounts.rights import Reach, reach, require
from core import clock
from core.audit.acting import Actor, acting
from core.audit.models import Access
from core.audit.services import record_view
from core.errors import DomainError, NotAllowed
from core.files.intake import FileRefused, Intake, Limits, Received, receive, take_in
from core.files.intake import too_large as too_large_sentence
from core.files.scanning import Scan, scan_upload

from .. import receipt_files
from ..models import Dispatch, Receipt, Status
from . import telling
from .reporting import MOST_LINES
from .steps import locked, require_reason, require_status, somebody

if TYPE_CHECKING:
    from accounts.models import User

# While the expert may still write the report (services/reporting.py).
OPEN_TO_EXPERT = (Status.CONFIRMED, Status.VISITED)
# Removed ones count, too: a dispatch is no store.
_MOST_EVER = 4
_NAME_LENGTH = 200


class Upload(Protocol):
    """A file on its way in: Django's UploadedFile, or anything that can be read."""

    def read(self, size: int = ..., /) -> bytes: ...


def limits() -> Limits:
    """How much a receipt may be (settings)."""
    return Limits(
        most_bytes=settings.RECEIPT_MOST_BYTES,
        most_pixels=settings.RECEIPT_MOST_PIXELS,
        longest_edge=settings.RECEIPT_LONGEST_EDGE,
        most_pages=settings.RECEIPT_MOST_PAGES,
    )


def too_large() -> str:
    """The sentence for a file, or a request, that is larger than taken."""
    return too_large_sentence(limits())


def add_receipt(
    *,
    dispatch: Dispatch,
    upload: Upload,
    purpose: str,
    line_number: int | None,
    actor: Actor,
    key: str,
    reason: str = "",
) -> Receipt:
    """Takes a picture or PDF in: judged, written anew, scanned, kept encrypted. The same key twice answers the first.

    The expert of the dispatch while the report is open; the office at any time, with a reason. Raises FileRefused
    (a DomainError) with why the file isn't taken.
    """
    key = key.strip()
    if not key or len(key) > 64:
        raise DomainError("送信の番号がありません。画面を開き直して、もう一度選んでください。", code="key")
    if purpose not in Receipt.Purpose.values:
        raise DomainError("種類は「領収書」「半券」「その他」から選んでください。", code="purpose")
    _check_line(line_number)
    with acting(actor, "add_receipt"):
        row = _open_for(dispatch, actor, "add_receipt", reason)
        if first := Receipt.objects.filter(dispatch=row, key=key).first():
            return _first(first)
        _refuse_too_many(row)
    # opening takes a second or two: nobody waits for the dispatch meanwhile
    limit = limits()
    received = receive(upload.read(limit.most_bytes + 1), limit)
    found = scan_upload(received.content)
    values: dict[str, Any] = {
        "purpose": purpose,
        "line_number": line_number,
        "original_name": _plain_name(upload),
        "key": key,
        "reason": reason,
    }
    if found.refused:
        _note_refused(row, received, found, actor, values)
    kept = take_in(received, limit)
    stored = receipt_files.keep(kept.content, kept.thumbnail)
    try:
        receipt = _insert(row, received, kept, stored, found, actor, values)
    except BaseException:
        receipt_files.destroy(stored)
        raise
    if receipt.stored_name != stored:  # somebody sent the same at the same time, and was first
        receipt_files.destroy(stored)
    return receipt


def _first(receipt: Receipt) -> Receipt:
    if receipt.state == Receipt.State.REFUSED:
        raise FileRefused(_INFECTED, code="infected")
    return receipt


_INFECTED = (
    "ウイルス検査で問題が見つかったため、このファイルは受け取れません。事務局にも知らせました。"
    "端末のウイルス検査を行い、撮り直した写真を選んでください。"
)


def _check_line(line_number: int | None) -> None:
    if line_number is not None and not 1 <= line_number <= MOST_LINES:
        raise DomainError(f"行番号は1から{MOST_LINES}までです。", code="line")


def _plain_name(upload: Upload) -> str:
    """What the sender calls the file, as text: no folders, nothing unprintable."""
    name = str(getattr(upload, "name", "") or "").replace("\\", "/").rpartition("/")[2]
    return "".join(letter for letter in name if letter.isprintable())[:_NAME_LENGTH]


def _open_for(dispatch: Dispatch, actor: Actor, act: str, reason: str) -> Dispatch:
    """The locked dispatch, if the actor may add to it or remove from it now."""
    row = locked(dispatch, actor, act)
    if _is_office(actor):
        require_reason(reason, "理由")
    else:
        require_status(row, OPEN_TO_EXPERT, "領収書の変更")
    return row


def _is_office(actor: Actor) -> bool:
    return reach(somebody(actor), "add_receipt") is Reach.ALL


def _refuse_too_many(row: Dispatch) -> None:
    most = settings.RECEIPT_MOST_FILES
    there = Receipt.objects.filter(dispatch=row)
    if there.filter(removed_at=None).count() >= most or there.count() >= most * _MOST_EVER:
        raise DomainError(
            f"派遣1件に付けられるファイルは{most}件までです。不要なものを取り除くか、"
            "何枚かを1つの PDF にまとめてください。",
            code="too_many",
        )


def _insert(
    dispatch: Dispatch,
    received: Received,
    kept: Intake,
    stored: str,
    found: Scan,
    actor: Actor,
    values: dict[str, Any],
) -> Receipt:
    with acting(actor, "add_receipt", values["reason"].strip()):
        row = _open_for(dispatch, actor, "add_receipt", values["reason"])
        if first := Receipt.objects.filter(dispatch=row, key=values["key"]).first():
            return _first(first)
        _refuse_too_many(row)
        return _create(
            row,
            received,
            actor,
            values,
            media_type=kept.media_type,
            kept_bytes=len(kept.content),
            kept_sha256=kept.sha256,
            width=kept.width,
            height=kept.height,
            pages=kept.pages,
            stored_name=stored,
            state=Receipt.State.WAITING if found.waits else Receipt.State.USABLE,
            scanned_at=found.at,
        )


def _create(row: Dispatch, received: Received, actor: Actor, values: dict[str, Any], **more: Any) -> Receipt:
    return Receipt.objects.create(
        dispatch=row,
        purpose=values["purpose"],
        line_number=values["line_number"],
        original_name=values["original_name"],
        key=values["key"],
        received_bytes=len(received.content),
        received_sha256=received.sha256,
        uploaded_by=somebody(actor),
        uploaded_at=clock.now(),
        add_reason=values["reason"].strip(),
        **more,
    )


def _note_refused(
    dispatch: Dispatch, received: Received, found: Scan, actor: Actor, values: dict[str, Any]
) -> None:
    """Keeps that it was tried, without the bytes; tells the office; refuses."""
    with acting(actor, "refuse_receipt", found.finding):
        row = _open_for(dispatch, actor, "add_receipt", values["reason"])
        if not Receipt.objects.filter(dispatch=row, key=values["key"]).exists():
            receipt = _create(
                row,
                received,
                actor,
                values,
                state=Receipt.State.REFUSED,
                finding=found.finding,
                scanned_at=found.at,
            )
            telling.tell_of_refused_receipt(receipt, actor)
    raise FileRefused(_INFECTED, code="infected")


def remove_receipt(*, receipt: Receipt, actor: Actor, reason: str = "") -> Receipt:
    """Takes a receipt out of the forms; the file stays as evidence. Again: nothing more happens.

    The expert: what they added, while the report is open. The office: at any time, with a reason.
    """
    with acting(actor, "remove_receipt", reason.strip()):
        row = _open_for(receipt.dispatch, actor, "remove_receipt", reason)
        found = Receipt.objects.select_for_update().get(pk=receipt.pk, dispatch=row)
        if found.removed_at is not None:
            return found
        if not _is_office(actor) and found.uploaded_by_id != actor.pk:
            raise NotAllowed(
                "取り除けるのは、自分が追加したファイルだけです。事務局が追加したものは、事務局へご連絡ください。"
            )
        found.removed_at, found.removed_by, found.remove_reason = clock.now(), somebody(actor), reason.strip()
        found.save(update_fields=["removed_at", "removed_by", "remove_reason"])
        telling.forget_refused_receipt(found, actor)
        return found


def place_receipts(
    *, dispatch: Dispatch, places: Mapping[uuid.UUID, tuple[str, int | None]], actor: Actor, reason: str = ""
) -> int:
    """Says of receipts what they are and for which line: uuid → (種類, 行番号). Lines move while a claim is written.

    Answers how many changed; unknown ones, also those of other dispatches, are left out.
    """
    for purpose, line_number in places.values():
        _check_line(line_number)
        if purpose not in Receipt.Purpose.values:
            raise DomainError("種類は「領収書」「半券」「その他」から選んでください。", code="purpose")
    changed = 0
    with acting(actor, "place_receipts", reason.strip()):
        row = _open_for(dispatch, actor, "add_receipt", reason)
        for receipt in Receipt.objects.select_for_update().filter(
            dispatch=row, removed_at=None, uuid__in=list(places)
        ):
            place = places[receipt.uuid]
            if (receipt.purpose, receipt.line_number) != place:
                receipt.purpose, receipt.line_number = place
                receipt.save(update_fields=["purpose", "line_number"])
                changed += 1
    return changed


# -- reads


def receipts_of(dispatch: Dispatch, user: "User", *, removed: bool = False) -> list[Receipt]:
    """What belongs to a dispatch, as far as the person may see it: by line, then as added. One query.

    `removed` adds, for the office, what was taken out of the forms.
    """
    rows = (
        Receipt.objects.visible_to(user).filter(dispatch=dispatch).select_related("uploaded_by", "removed_by")
    )
    if not removed:
        rows = rows.filter(removed_at=None)
    found = list(rows)
    for receipt in found:
        receipt.dispatch = dispatch
    return sorted(
        found, key=lambda row: (row.line_number is None, row.line_number or 0, row.uploaded_at, row.pk)
    )


def lines_with_receipts(dispatch: Dispatch) -> dict[int, set[str]]:
    """行番号 → 種類 of what is usable or waits for the scanner: what 領収書 and 半券 of the claim can be held against."""
    found: dict[int, set[str]] = {}
    rows = Receipt.objects.filter(dispatch=dispatch, removed_at=None).exclude(state=Receipt.State.REFUSED)
    for line_number, purpose in rows.exclude(line_number=None).values_list("line_number", "purpose"):
        found.setdefault(line_number, set()).add(purpose)  # type: ignore[arg-type]
    return found


def why_not_change(dispatch: Dispatch, user: "User") -> str:
    """Why this person can't add or remove receipts now; "" when they can."""
    far = reach(user, "add_receipt")
    if far is Reach.NONE:
        return "領収書を追加できるのは、その派遣の専門家または事務局です。"
    if far is Reach.OWN and dispatch.status not in OPEN_TO_EXPERT:
        return "報告を提出した後は変更できません。必要なときは、差戻しを依頼してください。"
    return ""


def receipt_content(receipt: Receipt, user: "User") -> BinaryIO:
    """The kept file, for whoever sees the dispatch; the look is recorded. Raises Receipt.DoesNotExist, DomainError."""
    return _opened(receipt, user, thumbnail=False)


def receipt_thumbnail(receipt: Receipt, user: "User") -> BinaryIO:
    """Its thumbnail, a JPEG; recorded, too."""
    return _opened(receipt, user, thumbnail=True)


def _opened(receipt: Receipt, user: "User", *, thumbnail: bool) -> BinaryIO:
    require(user, "read", Receipt)
    found = Receipt.objects.visible_to(user).select_related("dispatch").get(pk=receipt.pk)
    if not found.can_be_seen:
        raise DomainError(
            "ウイルス検査が終わるまで開けません。しばらくしてから、もう一度お試しください。"
            if found.state == Receipt.State.WAITING
            else "このファイルは、検査で拒否されたため、ありません。",
            code=found.state,
        )
    try:
        file = (receipt_files.opened_thumbnail if thumbnail else receipt_files.opened)(found.stored_name)
    except FileNotFoundError:
        raise DomainError(
            "ファイルがこのサーバに見つかりません。事務局の管理者へお知らせください。", code="lost"
        ) from None
    try:
        record_view(
            actor=user,
            what=Access.What.EVIDENCE,
            object=found,
            fields=["thumbnail" if thumbnail else "content"],
            label=f"{found.dispatch.number} {found.purpose}",
        )
    except BaseException:
        file.close()
        raise
    return file
