"""Taking personal data out: a purpose, a job, a file for the requester alone, a time after which it is gone (R-035).

The one door for the screens. What leaves is recorded twice: when the file is prepared (which rows, which columns,
why) and each time it is taken.
"""

import datetime as dt
import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Model

from core import clock
from core.audit.acting import acting, client_address
from core.audit.models import Access
from core.audit.services import record_view
from core.errors import DomainError, NotAllowed
from core.exchange import writing
from core.exchange.registry import Table, table_named
from core.files.vault import Vault, random_name
from core.jobs.progress import Progress
from core.jobs.services import queue_job

from .models import Export

PREPARE = "prepare_export"
FORMATS = ("csv", "xlsx")
SHORTEST_PURPOSE = 4
_COVERED = "（下3桁）"


def store() -> Vault:
    """Where prepared files wait."""
    return Vault(Path(settings.EXPORT_DIR) / "registers")


def _checked_purpose(purpose: str) -> str:
    purpose = purpose.strip()
    if len(purpose) < SHORTEST_PURPOSE:
        raise DomainError("何のために書き出すのかを入力してください（例: 10月分の支払額の確認）。")
    return purpose


def _require(allowed: Any) -> None:
    if not allowed.allowed:
        raise NotAllowed(allowed.reason)


def request_export(
    *,
    actor: Any,
    table: Table,
    ending: str,
    purpose: str,
    ids: Iterable[int] | None = None,
    with_accounts: bool = False,
) -> Export:
    """Queues the preparation of a register as a file (csv, xlsx): all rows, or those of `ids`.

    Refuses a person who may not take data out or not read the register, and one without a purpose. Columns the
    person reads only masked are covered; `with_accounts` gives account numbers in full to those who may view them.
    """
    _require(actor.may("export_data"))
    if actor.reach("read", table.model) != "all":
        _require(actor.may("read", table.model))
        raise NotAllowed("この台帳の書き出しは、すべての記録を閲覧できる人だけが行えます。")
    if with_accounts:
        _require(actor.may("view_bank_account"))
    if ending not in FORMATS:
        raise DomainError("CSV または XLSX を選んでください。")
    chosen = None if ids is None else list(ids)
    hidden, covered = _unread(actor, table, with_accounts)
    columns = [
        f"{column.name}{_COVERED if column.field in covered else ''}"
        for column in table.columns
        if column.field not in hidden
    ]
    with acting(actor, "request_export", purpose):
        export = Export.objects.create(
            source=table.name,
            title=f"{table.title}（{'すべて' if chosen is None else f'{len(chosen):,}件'}）",
            purpose=_checked_purpose(purpose),
            with_accounts=with_accounts,
            row_ids=chosen,
            columns=columns,
            file_name=f"{table.name}.{ending}",
            requested_by_id=actor.pk,
            address=client_address.get(),
        )
        export.job = queue_job(
            kind=PREPARE,
            title=f"書き出し: {export.title}",
            arguments={"export": export.pk},
            actor=actor,
        )
        export.save(update_fields=["job"])
    return export


def _unread(actor: Any, table: Table, with_accounts: bool) -> tuple[frozenset[str], frozenset[str]]:
    masked = frozenset() if with_accounts else actor.masked_fields(table.model)
    return frozenset(actor.hidden_fields(table.model)), frozenset(masked)


def prepare_export(*, export: Export, progress: Progress) -> Export:
    """Writes the file, encrypted, as of one moment, and records what is in it. Again for one that is ready: nothing."""
    if export.status != Export.Status.WAITING:
        return export
    person: Any = export.requested_by
    _require(person.may("export_data"))
    table = table_named(export.source)
    hidden, covered = _unread(person, table, export.with_accounts)
    stored = random_name()
    address = client_address.set(export.address)
    try:
        with _one_moment(), acting(person, "prepare_export", export.purpose):
            ids = _existing_ids(table.model, export.row_ids)
            progress.report(0, len(ids), "書き出しています")
            rows = writing.rows_of(table, ids, hidden=hidden, covered=covered)
            columns = [column for column in table.columns if column.field not in hidden]
            with store().create(stored) as out:
                if export.file_name.endswith(".xlsx"):
                    writing.write_xlsx(out, table, rows, columns)
                else:
                    with writing.as_text(out) as text:
                        writing.write_csv(text, table, rows, columns)
            with store().open(stored) as file:
                export.sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            record_view(
                actor=person,
                what=Access.What.EXPORT,
                object=table.model,
                ids=ids,
                row_count=len(ids),
                fields=export.columns,
                reason=export.purpose,
                label=f"{export.title} {export.file_name}",
            )
            export.row_count, export.stored_name = len(ids), stored
            export.status, export.expires_at = Export.Status.READY, _expiry()
            export.save(update_fields=["row_count", "stored_name", "sha256", "status", "expires_at"])
            progress.report(len(ids), len(ids), "書き出しました")
    except BaseException:
        store().delete(stored)
        raise
    finally:
        client_address.reset(address)
    return export


@contextmanager
def _one_moment() -> Iterator[None]:
    """One transaction that sees one moment: ids and rows belong together."""
    with transaction.atomic():
        if not connection.savepoint_ids:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        yield


def _existing_ids(model: type[Model], wanted: list[int] | None) -> list[int]:
    rows = model._default_manager.all() if wanted is None else model._default_manager.filter(pk__in=wanted)
    return list(rows.order_by("pk").values_list("pk", flat=True))


def _expiry() -> dt.datetime:
    return clock.now() + dt.timedelta(hours=settings.EXPORT_KEEP_HOURS)


def open_export(*, export: Export, actor: Any) -> BinaryIO:
    """The file, decrypted while it is read; who takes it is recorded before.

    Refuses everybody but the requester, a file that isn't ready or has expired, and a requester who may no longer.
    """
    if export.requested_by_id != actor.pk:
        raise NotAllowed("書き出したファイルを受け取れるのは、依頼した本人だけです。")
    _require(actor.may("export_data"))
    if export.with_accounts:
        _require(actor.may("view_bank_account"))
    if not export.is_available or export.kind != Export.Kind.REGISTER:
        raise DomainError(
            "このファイルは受け取れません（準備中か、保管期限が過ぎています）。もう一度書き出してください。"
        )
    try:
        file = store().open(export.stored_name)
    except FileNotFoundError:
        raise DomainError("ファイルがこのサーバに見つかりません。もう一度書き出してください。") from None
    table = table_named(export.source)
    record_view(
        actor=actor,
        what=Access.What.DOWNLOAD,
        object=table.model,
        ids=export.row_ids or (),
        row_count=export.row_count,
        fields=export.columns,
        reason=export.purpose,
        label=f"{export.title} {export.file_name}",
    )
    return file


# -- files that are prepared elsewhere (those of a run): the purpose opens them to one person for a while


def release(
    *,
    actor: Any,
    source: str,
    title: str,
    purpose: str,
    model: type[Model],
    ids: list[int],
    fields: list[str],
) -> Export:
    """Opens the files of `source` to a person until the term ends, and records whose data they hold."""
    with acting(actor, "release_files", purpose):
        record_view(
            actor=actor,
            what=Access.What.EXPORT,
            object=model,
            ids=ids,
            fields=fields,
            reason=_checked_purpose(purpose),
            label=title,
        )
        return Export.objects.create(
            kind=Export.Kind.RUN,
            source=source,
            title=title,
            purpose=_checked_purpose(purpose),
            with_accounts=True,
            columns=fields,
            row_count=len(ids),
            file_name=source,
            status=Export.Status.READY,
            requested_by_id=actor.pk,
            address=client_address.get(),
            expires_at=_expiry(),
        )


def released(*, actor: Any, source: str) -> Export | None:
    """What opens the files of `source` to this person now, or None."""
    found = Export.objects.filter(
        kind=Export.Kind.RUN, source=source, requested_by_id=actor.pk, status=Export.Status.READY
    )
    return found.filter(expires_at__gt=clock.now()).order_by("-pk").first()


def expire_exports() -> int:
    """Deletes the files whose term has ended; answers how many exports."""
    due = list(Export.objects.filter(status=Export.Status.READY, expires_at__lte=clock.now()))
    for export in due:
        with transaction.atomic():
            if export.stored_name:
                store().delete(export.stored_name)
            Export.objects.filter(pk=export.pk).update(status=Export.Status.EXPIRED, stored_name="")
    return len(due)
