"""Uploads that are too large for memory: encrypted while they arrive, gone when the request has ended."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler

from .vault import Vault, random_name


def receiving() -> Vault:
    """Where uploads arrive."""
    return Vault(Path(settings.UPLOAD_DIR) / "receiving")


class EncryptedUploadHandler(FileUploadHandler):
    """Stands in for Django's temporary file, which would hold the upload as it is."""

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        """Begins a file."""
        super().new_file(*args, **kwargs)
        self._vault = receiving()
        self._kept = random_name()
        self._open = ExitStack()
        self._target: IO[bytes] = self._open.enter_context(self._vault.create(self._kept))

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Takes one part."""
        self._target.write(raw_data)

    def file_complete(self, file_size: int) -> UploadedFile[bytes]:
        """The upload, readable from any place for as long as the request holds it; its name is gone at once."""
        self._open.close()
        content = self._vault.open(self._kept)
        self._vault.delete(self._kept)
        return UploadedFile(
            file=content,
            name=self.file_name,
            content_type=self.content_type,
            size=file_size,
            charset=self.charset,
            content_type_extra=self.content_type_extra,
        )

    def upload_interrupted(self) -> None:
        """The sender went away: nothing of the file stays."""
        if hasattr(self, "_open"):
            self._open.close()
            self._vault.delete(self._kept)
