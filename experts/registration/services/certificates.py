"""Certificates: added and removed by the person with the link, opened by those who check, scanned for viruses."""

import logging
from typing import TYPE_CHECKING, Any, BinaryIO, Final, Protocol
from uuid import UUID

from django.conf import settings

from accounts.rights import Reach, reach, require
from core import clock
from core.audit.acting import SYSTEM, acting
from core.audit.models import Access
from core.audit.services import record_view
from core.errors import DomainError
from core.files.clamd import ScannerSilent, Verdict
from core.files.intake import FileRefused, Intake, Limits, Received, receive, take_in
from core.files.scanning import Scan, ask, is_configured, scan_upload

from ..certificate_files import SHELF
from ..models import Certificate, Registration
from ..states import ENTERING, State
from . import telling
from .steps import Candidate, locked_by_person, require_state

if TYPE_CHECKING:
    from accounts.models import User

log = logging.getLogger(__name__)

MOST_FILES: Final = 20
# Removed ones count, too: a registration is no store.
_MOST_EVER: Final = 4
_NAME_LENGTH: Final = 200
_BATCH: Final = 100
_INFECTED: Final = (
    "ウイルス検査で問題が見つかったため、このファイルは受け取れません。"
    "端末のウイルス検査を行い、撮り直した写真を選んでください。"
)


class Upload(Protocol):
    """A file on its way in: Django's UploadedFile, or anything that can be read."""

    def read(self, size: int = ..., /) -> bytes: ...


def limits() -> Limits:
    """How much a certificate may be: as much as a receipt (settings)."""
    return Limits(
        most_bytes=settings.RECEIPT_MOST_BYTES,
        most_pixels=settings.RECEIPT_MOST_PIXELS,
        longest_edge=settings.RECEIPT_LONGEST_EDGE,
        most_pages=settings.RECEIPT_MOST_PAGES,
    )


def add_certificate(*, registration: Registration, kind: str, upload: Upload, key: str) -> Certificate:
    """Takes a picture or PDF in: judged, written anew, scanned, kept encrypted. The same key twice answers the first.

    By the person with the live link while typing. Raises FileRefused (a DomainError) with why it isn't taken.
    """
    key = key.strip()
    if not key or len(key) > 64:
        raise DomainError("送信の番号がありません。画面を開き直して、もう一度選んでください。", code="key")
    if kind not in Certificate.Kind.values:
        raise DomainError("書類の種類を選んでください。", code="kind")
    actor = Candidate.of(registration)
    with acting(actor, "add_certificate"):
        row = _open_for(registration)
        if first := Certificate.objects.filter(registration=row, key=key).first():
            return _first(first)
        _refuse_too_many(row)
    # opening takes a second or two: nobody waits for the registration meanwhile
    limit = limits()
    received = receive(upload.read(limit.most_bytes + 1), limit)
    found = scan_upload(received.content)
    values: dict[str, Any] = {"kind": kind, "original_name": _plain_name(upload), "key": key}
    if found.refused:
        with acting(actor, "refuse_certificate", found.finding):
            _create(
                row,
                received,
                values,
                state=Certificate.State.REFUSED,
                finding=found.finding,
                scanned_at=found.at,
            )
        raise FileRefused(_INFECTED, code="infected")
    kept = take_in(received, limit)
    stored = SHELF.keep(kept.content, kept.thumbnail)
    try:
        certificate = _insert(registration, received, kept, stored, found, actor, values)
    except BaseException:
        SHELF.destroy(stored)
        raise
    if certificate.stored_name != stored:  # somebody sent the same at the same time, and was first
        SHELF.destroy(stored)
    return certificate


def _first(certificate: Certificate) -> Certificate:
    if certificate.state == Certificate.State.REFUSED:
        raise FileRefused(_INFECTED, code="infected")
    return certificate


def _plain_name(upload: Upload) -> str:
    """What the sender calls the file, as text: no folders, nothing unprintable."""
    name = str(getattr(upload, "name", "") or "").replace("\\", "/").rpartition("/")[2]
    return "".join(letter for letter in name if letter.isprintable())[:_NAME_LENGTH]


def _open_for(registration: Registration) -> Registration:
    row = locked_by_person(registration)
    require_state(row, ENTERING, "書類の変更を")
    return row


def _refuse_too_many(row: Registration) -> None:
    there = Certificate.objects.filter(registration=row)
    if there.filter(removed_at=None).count() >= MOST_FILES or there.count() >= MOST_FILES * _MOST_EVER:
        raise DomainError(
            f"追加できるファイルは{MOST_FILES}件までです。不要なものを取り除くか、何枚かを1つの PDF にまとめてください。",
            code="too_many",
        )


def _insert(
    registration: Registration,
    received: Received,
    kept: Intake,
    stored: str,
    found: Scan,
    actor: Candidate,
    values: dict[str, Any],
) -> Certificate:
    with acting(actor, "add_certificate"):
        row = _open_for(registration)
        if first := Certificate.objects.filter(registration=row, key=values["key"]).first():
            return _first(first)
        _refuse_too_many(row)
        return _create(
            row,
            received,
            values,
            media_type=kept.media_type,
            kept_bytes=len(kept.content),
            kept_sha256=kept.sha256,
            width=kept.width,
            height=kept.height,
            pages=kept.pages,
            stored_name=stored,
            state=Certificate.State.WAITING if found.waits else Certificate.State.USABLE,
            scanned_at=found.at,
        )


def _create(row: Registration, received: Received, values: dict[str, Any], **more: Any) -> Certificate:
    return Certificate.objects.create(
        registration=row,
        received_bytes=len(received.content),
        received_sha256=received.sha256,
        uploaded_at=clock.now(),
        **values,
        **more,
    )


def remove_certificate(*, registration: Registration, certificate: Certificate) -> Certificate:
    """The person takes a file back; what was part of a submission stays provable. Again: nothing changes."""
    with acting(Candidate.of(registration), "remove_certificate"):
        row = _open_for(registration)
        found = Certificate.objects.select_for_update().get(pk=certificate.pk, registration=row)
        if found.removed_at is None:
            found.removed_at = clock.now()
            found.save(update_fields=["removed_at"])
    return found


def open_certificate(*, certificate: Certificate, user: "User", thumbnail: bool = False) -> BinaryIO:
    """The kept file (or its thumbnail, a JPEG) for those who check; the look is recorded.

    Raises Certificate.DoesNotExist for a foreign one, DomainError while it waits for the scanner.
    """
    require(user, "read", Certificate)
    found = Certificate.objects.visible_to(user).select_related("registration").get(pk=certificate.pk)
    if found.kind == Certificate.Kind.BANK and reach(user, "view_bank_account") is Reach.NONE:
        raise Certificate.DoesNotExist
    file = _opened(found, thumbnail)
    try:
        record_view(
            actor=user,
            what=Access.What.EVIDENCE,
            object=found,
            fields=["thumbnail" if thumbnail else "content"],
            label=f"{found.registration.number} {found.kind}",
        )
    except BaseException:
        file.close()
        raise
    return file


def open_own_certificate(
    *, registration: Registration, uuid: UUID | str, thumbnail: bool = False
) -> BinaryIO:
    """The person's own file, by `registration_by_token`. Raises Certificate.DoesNotExist, DomainError."""
    found = Certificate.objects.get(uuid=uuid, registration=registration, removed_at=None)
    return _opened(found, thumbnail)


def _opened(found: Certificate, thumbnail: bool) -> BinaryIO:
    if not found.can_be_seen:
        raise DomainError(
            "ウイルス検査が終わるまで開けません。しばらくしてから、もう一度お試しください。"
            if found.state == Certificate.State.WAITING
            else "このファイルは、検査で拒否されたため、ありません。",
            code=found.state,
        )
    try:
        return (SHELF.opened_thumbnail if thumbnail else SHELF.opened)(found.stored_name)
    except FileNotFoundError:
        raise DomainError(
            "ファイルがこのサーバに見つかりません。事務局の管理者へお知らせください。", code="lost"
        ) from None


def scan_waiting() -> int:
    """Scans what waits, oldest first, until the scanner falls silent; answers how many got a verdict."""
    _destroy_refused()
    if not is_configured():
        return 0
    done = 0
    waiting = Certificate.objects.filter(state=Certificate.State.WAITING).order_by("uploaded_at", "pk")
    for certificate in waiting.select_related("registration", "registration__institution")[:_BATCH]:
        try:
            with SHELF.opened(certificate.stored_name) as file:
                verdict = ask(file.read())
        except FileNotFoundError:
            log.error("the file of certificate %s is missing", certificate.pk)
            continue
        except ScannerSilent as silence:
            log.warning("the virus scanner is silent: %s", silence)
            break
        _judge(certificate, verdict)
        done += 1
    _destroy_refused()
    return done


def _judge(certificate: Certificate, verdict: Verdict) -> None:
    """Lets a certificate be used, or refuses it and tells whoever checks. Decided meanwhile: nothing."""
    with acting(SYSTEM, "scan_certificate" if verdict.clean else "refuse_certificate", verdict.finding):
        state = Certificate.State.USABLE if verdict.clean else Certificate.State.REFUSED
        decided = Certificate.objects.filter(pk=certificate.pk, state=Certificate.State.WAITING).update(
            state=state, finding=verdict.finding, scanned_at=clock.now()
        )
        if decided and not verdict.clean and certificate.registration.state not in ENTERING:
            title = f"{certificate.registration.number} の{certificate.kind}がウイルス検査で拒否されました"
            note = "本人に差し戻して、撮り直しを依頼してください。"
            office = certificate.registration.state == State.OFFICE
            tell = telling.tell_office if office else telling.tell_institution
            tell(certificate.registration, telling.CERTIFICATE_REFUSED, title, SYSTEM, note)


def _destroy_refused() -> None:
    """The bytes of what was refused go once that is certain (committed); whoever is killed here does it next time."""
    for certificate in Certificate.objects.filter(state=Certificate.State.REFUSED).exclude(stored_name=""):
        SHELF.destroy(certificate.stored_name)
        with acting(SYSTEM, "destroy_certificate"):
            Certificate.objects.filter(pk=certificate.pk, state=Certificate.State.REFUSED).update(
                stored_name=""
            )
