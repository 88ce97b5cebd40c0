"""What the virus scanner says about receipts. Configured and silent: files wait, and nobody opens them."""

import logging

from django.conf import settings
from django.db.models import F, Q

from core import clock
from core.audit.acting import SYSTEM, acting
from core.files.clamd import ScannerSilent, Verdict
from core.files.scanning import ask, is_configured

from .. import receipt_files
from ..models import Receipt
from . import telling

log = logging.getLogger(__name__)

_BATCH = 100
# in one night
_AGAIN = 5_000


def scan_waiting() -> int:
    """Scans what waits, oldest first, until the scanner falls silent; answers how many got a verdict.

    Where no scanner is configured (any more), nothing leaves the waiting room by itself.
    """
    _destroy_refused()
    if not is_configured():
        return 0
    done = 0
    waiting = Receipt.objects.filter(state=Receipt.State.WAITING).order_by("uploaded_at", "pk")
    for receipt in waiting.select_related("dispatch", "uploaded_by")[:_BATCH]:
        try:
            with receipt_files.opened(receipt.stored_name) as file:
                content = file.read()
        except FileNotFoundError:
            log.error("the file of receipt %s is missing", receipt.pk)
            continue
        try:
            verdict = ask(content)
        except ScannerSilent as silence:
            log.warning("the virus scanner is silent: %s", silence)
            break
        judge(receipt, verdict)
        done += 1
    _destroy_refused()
    return done


def scan_again() -> int:
    """Scans what was scanned longest ago once more: newer signatures know more. Answers how many got a verdict."""
    if not is_configured():
        return 0
    done = 0
    before = clock.now() - settings.RECEIPT_SCAN_AGAIN_AFTER
    known = Receipt.objects.filter(state=Receipt.State.USABLE).filter(
        Q(scanned_at=None) | Q(scanned_at__lt=before)
    )
    oldest = known.order_by(F("scanned_at").asc(nulls_first=True), "pk")
    for receipt in oldest.select_related("dispatch", "uploaded_by")[:_AGAIN]:
        try:
            with receipt_files.opened(receipt.stored_name) as file:
                verdict = ask(file.read())
        except FileNotFoundError:
            log.error("the file of receipt %s is missing", receipt.pk)
            continue
        except ScannerSilent as silence:
            log.warning("the virus scanner is silent: %s", silence)
            break
        judge(receipt, verdict, Receipt.State.USABLE)
        done += 1
    _destroy_refused()
    return done


def judge(receipt: Receipt, verdict: Verdict, standing: str = Receipt.State.WAITING) -> None:
    """Lets a receipt be used, or refuses it and tells its sender and the office. Decided meanwhile: nothing."""
    with acting(SYSTEM, "scan_receipt" if verdict.clean else "refuse_receipt", verdict.finding):
        state = Receipt.State.USABLE if verdict.clean else Receipt.State.REFUSED
        decided = Receipt.objects.filter(pk=receipt.pk, state=standing).update(
            state=state, finding=verdict.finding, scanned_at=clock.now()
        )
        if decided and not verdict.clean:
            receipt.refresh_from_db()
            telling.tell_of_refused_receipt(receipt, SYSTEM)


def _destroy_refused() -> None:
    """The bytes of what was refused go once that is certain (committed); whoever is killed here does it next time."""
    for receipt in Receipt.objects.filter(state=Receipt.State.REFUSED).exclude(stored_name=""):
        receipt_files.destroy(receipt.stored_name)
        with acting(SYSTEM, "destroy_receipt"):
            Receipt.objects.filter(pk=receipt.pk, state=Receipt.State.REFUSED).update(stored_name="")
