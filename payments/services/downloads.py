"""Who took which file of a run."""

from typing import TYPE_CHECKING

from core.audit.acting import acting

from ..models import PayoutRun, RunDownload
from .rights import require_maker

if TYPE_CHECKING:
    from accounts.models import User


def record_download(*, run: PayoutRun, name: str, actor: "User") -> RunDownload:
    """Records that a person takes a file of a run; called before the file is given out."""
    require_maker(actor)
    with acting(actor, "download_run_file"):
        return RunDownload.objects.create(run=run, name=name, user=actor)
