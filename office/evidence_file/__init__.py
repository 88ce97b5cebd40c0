"""証拠書類一式: everything of one dispatch as one PDF (C14)."""

from .document import evidence_pdf

__all__ = ["evidence_pdf"]
