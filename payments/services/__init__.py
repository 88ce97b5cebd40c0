"""Every write of runs: drafted, computed, approved by another, exported, transferred, closed."""

from .approve import approve_run
from .compute import compute_run
from .draft import draft_run, drop_run
from .export import export_run
from .settle import close_run, mark_transferred

__all__ = [
    "approve_run",
    "close_run",
    "compute_run",
    "draft_run",
    "drop_run",
    "export_run",
    "mark_transferred",
]
