"""Loading uploaded exchange files in the background."""

from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from celery import shared_task
from django.conf import settings

from accounts.models import User
from core.errors import DomainError
from core.exchange.services import load_files
from core.exchange.writing import as_text, write_error_rows
from core.files.receiving import receiving
from core.files.vault import Vault
from core.jobs.progress import Progress
from core.jobs.registry import job_kind

LOAD = "load_exchange"
# How many bad rows a job's page keeps; the whole list is in its errors file.
KEPT_ERRORS = 2_000
# Uploads whose job never came to its end, and lists of errors, go after so many days.
KEPT_DAYS = 7


def uploads() -> Vault:
    """Where uploaded files wait for the worker, under random names."""
    return Vault(Path(settings.UPLOAD_DIR) / "office")


def error_lists() -> Vault:
    """Where the whole lists of bad rows of refused loads are, by the id of the job."""
    return Vault(Path(settings.UPLOAD_DIR) / "errors")


@job_kind(LOAD, "データ取込", repeatable=False, per_person=3)
def load_uploaded(arguments: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Loads the files of one upload, all or nothing; the uploaded copies go once the load has ended.

    Arguments: uploads (file name → name in the store), dry_run, actor (id).
    """
    actor = User.objects.get(pk=arguments["actor"])
    kept: dict[str, str] = arguments["uploads"]
    with ExitStack() as stack:
        files: dict[str, BinaryIO] = {}
        for name, stored in kept.items():
            try:
                files[name] = stack.enter_context(uploads().open(stored))
            except FileNotFoundError:
                raise DomainError(
                    f"{name} はもうサーバにありません。もう一度ファイルを選んでください。"
                ) from None
        result = load_files(files, actor=actor, dry_run=arguments["dry_run"])
        if not result.ok:
            with error_lists().create(str(arguments["job_id"])) as out, as_text(out) as text:
                write_error_rows(text, result.problems, covered=True)
    for stored in kept.values():
        uploads().delete(stored)
    return {
        "files": [{"name": name, **counts} for name, counts in result.files.items()],
        "errors": [
            {"file": p.file, "line": p.line, "column": p.column, "value": p.kept_value, "reason": p.reason}
            for p in islice(result.problems, KEPT_ERRORS)
        ],
        "rejected": not result.ok,
        "dry_run": arguments["dry_run"],
    }


@shared_task
def sweep_uploads() -> int:
    """Once a day: what was uploaded or listed long ago goes, and what never arrived whole; answers how many files."""
    seconds = KEPT_DAYS * 24 * 60 * 60
    return sum(store.sweep(seconds) for store in (uploads(), error_lists(), receiving()))
