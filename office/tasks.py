"""Loading uploaded exchange files in the background."""

import shutil
from itertools import islice
from pathlib import Path
from typing import Any

from django.conf import settings

from accounts.models import User
from core.exchange.services import load_folder
from core.exchange.writing import write_errors
from core.jobs.progress import Progress
from core.jobs.registry import job_kind

LOAD = "load_exchange"
# How many bad rows a job's page keeps; the whole list is in its errors file.
KEPT_ERRORS = 2_000


def upload_folder(name: str) -> Path:
    """Where the files of one upload wait for the worker."""
    return Path(settings.UPLOAD_DIR) / name


def errors_file(job_id: int) -> Path:
    """The whole list of bad rows of a refused load."""
    return Path(settings.UPLOAD_DIR) / "errors" / f"{job_id}.csv"


@job_kind(LOAD, "データ取込", repeatable=False, per_person=3)
def load_uploaded(arguments: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Loads the files of one upload, all or nothing; the uploaded copies go once the load has ended."""
    folder = upload_folder(arguments["folder"])
    actor = User.objects.get(pk=arguments["actor"])
    result = load_folder(folder, actor=actor, dry_run=arguments["dry_run"])
    if not result.ok:
        errors = errors_file(arguments["job_id"])
        errors.parent.mkdir(parents=True, exist_ok=True)
        write_errors(errors, result.problems)
    shutil.rmtree(folder, ignore_errors=True)
    return {
        "files": [{"name": name, **counts} for name, counts in result.files.items()],
        "errors": [
            {"file": p.file, "line": p.line, "column": p.column, "value": p.value, "reason": p.reason}
            for p in islice(result.problems, KEPT_ERRORS)
        ],
        "rejected": not result.ok,
        "dry_run": arguments["dry_run"],
    }
