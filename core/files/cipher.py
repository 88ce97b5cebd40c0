"""Files encrypted as streams: written once from front to back, read from any place, memory bounded by a chunk.

Each file has a random key of its own (AES-256-GCM); the keyring (core/secrets.py) wraps that key in the head. The
chunks are numbered and the last one is marked, so that none can be altered, swapped, left out or cut off unnoticed:

    magic (4 bytes) · length of the wrapped key (2) · wrapped key · nonce prefix (7) · chunks of 64 KiB + 16 bytes

The nonce of a chunk is prefix · number (4 bytes) · 1 for the last chunk, else 0; magic, prefix and the file's name on
the disk are authenticated with each chunk, so that no file can be put in another's place. docs/adr/0014-data-at-rest.md says why.
"""

import base64
import io
import os
import struct
from typing import IO, Any, BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from core import secrets

MAGIC = b"DSP1"
CHUNK = 64 * 1024
_TAG = 16
_PREFIX = 7
_MOST_CHUNKS = 2**32
_LENGTH = struct.Struct(">H")
_NUMBER = struct.Struct(">IB")


class Damaged(Exception):
    """The file is none of ours, was altered, or is not whole."""


def _nonce(prefix: bytes, number: int, last: bool) -> bytes:
    return prefix + _NUMBER.pack(number, last)


class Head:
    """What stands before the chunks."""

    def __init__(self, wrapped: bytes, prefix: bytes, name: str = "") -> None:
        self.wrapped, self.prefix, self.name = wrapped, prefix, name

    @classmethod
    def fresh(cls, name: str) -> tuple["Head", bytes]:
        """A new head and the key it wraps."""
        key = AESGCM.generate_key(bit_length=256)
        return cls(_wrap(key), os.urandom(_PREFIX), name), key

    @classmethod
    def read(cls, file: BinaryIO, name: str = "") -> "Head":
        """The head of a file that is at its beginning. Raises Damaged."""
        start = file.read(len(MAGIC) + _LENGTH.size)
        if len(start) < len(MAGIC) + _LENGTH.size or not start.startswith(MAGIC):
            raise Damaged("暗号化されたファイルではありません。")
        (length,) = _LENGTH.unpack(start[len(MAGIC) :])
        rest = file.read(length + _PREFIX)
        if len(rest) < length + _PREFIX:
            raise Damaged("ファイルが途中で切れています。")
        return cls(rest[:length], rest[length:], name)

    @property
    def size(self) -> int:
        """How many bytes stand before the first chunk."""
        return len(MAGIC) + _LENGTH.size + len(self.wrapped) + _PREFIX

    @property
    def bound(self) -> bytes:
        """What is authenticated with each chunk; not the wrapped key, which changes with the keyring."""
        return MAGIC + self.prefix + self.name.encode()

    def key(self) -> bytes:
        """The file's own key. Raises secrets.Unreadable."""
        return base64.b64decode(secrets.decrypt(self.wrapped.decode("ascii", "replace")))

    def write(self, file: IO[bytes]) -> None:
        """Writes the head."""
        file.write(MAGIC + _LENGTH.pack(len(self.wrapped)) + self.wrapped + self.prefix)


def _wrap(key: bytes) -> bytes:
    return secrets.encrypt(base64.b64encode(key).decode()).encode()


class EncryptingWriter(io.RawIOBase):
    """Takes plain bytes and writes them encrypted to `file`. The file is whole only after `finish`."""

    def __init__(self, file: IO[bytes], name: str) -> None:
        self._file = file
        self._head, key = Head.fresh(name)
        self._cipher = AESGCM(key)
        self._buffer = bytearray()
        self._number = 0
        self._finished = False
        self._written = 0
        self._head.write(file)

    def writable(self) -> bool:
        """Yes; and neither readable nor seekable."""
        return True

    def write(self, data: Any) -> int:
        """Takes any number of bytes."""
        view = memoryview(data).cast("B")
        self._buffer += view
        # one chunk is kept back: only at the end is it known which one is the last
        while len(self._buffer) > CHUNK:
            self._put(bytes(self._buffer[:CHUNK]), last=False)
            del self._buffer[:CHUNK]
        self._written += len(view)
        return len(view)

    def tell(self) -> int:
        """How many plain bytes were taken."""
        return self._written

    def finish(self) -> None:
        """Writes the last chunk. Without it the file stays unreadable."""
        if not self._finished:
            self._put(bytes(self._buffer), last=True)
            self._buffer.clear()
            self._finished = True

    def _put(self, plain: bytes, *, last: bool) -> None:
        if self._number >= _MOST_CHUNKS:
            raise OSError("file too large")
        nonce = _nonce(self._head.prefix, self._number, last)
        self._file.write(self._cipher.encrypt(nonce, plain, self._head.bound))
        self._number += 1


class DecryptingReader(io.RawIOBase):
    """The plain bytes of an encrypted file, from any place. Raises Damaged where bytes are not as they were written."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._file = file
        self._head = Head.read(file, name)
        self._cipher = AESGCM(self._head.key())
        body = os.fstat(file.fileno()).st_size - self._head.size
        self._chunks = max(1, -(-body // (CHUNK + _TAG)))
        self.size = body - self._chunks * _TAG
        if self.size < 0:
            raise Damaged("ファイルが途中で切れています。")
        self._place = 0
        self._number, self._plain = -1, b""
        # the end says whether the file is whole
        self._chunk(self._chunks - 1)

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Moves to a place in the plain bytes."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self.size}[whence]
        self._place = max(0, base + offset)
        return self._place

    def tell(self) -> int:
        """The place in the plain bytes."""
        return self._place

    def readinto(self, target: Any) -> int:
        """Fills from one chunk at most."""
        view = memoryview(target).cast("B")
        if self._place >= self.size or not view:
            return 0
        number, start = divmod(self._place, CHUNK)
        found = self._chunk(number)[start : start + len(view)]
        view[: len(found)] = found
        self._place += len(found)
        return len(found)

    def _chunk(self, number: int) -> bytes:
        if number != self._number:
            self._file.seek(self._head.size + number * (CHUNK + _TAG))
            nonce = _nonce(self._head.prefix, number, number == self._chunks - 1)
            try:
                self._plain = self._cipher.decrypt(nonce, self._file.read(CHUNK + _TAG), self._head.bound)
            except InvalidTag:
                raise Damaged("ファイルが壊れているか、書き換えられています。") from None
            self._number = number
        return self._plain

    def close(self) -> None:
        """Closes the file beneath as well."""
        if not self.closed:
            self._file.close()
        super().close()


def rewrap(file: BinaryIO, target: IO[bytes]) -> bool:
    """Copies an encrypted file with its key wrapped by the newest key; False, and nothing written, if it is already."""
    head = Head.read(file)
    if secrets.is_newest(head.wrapped.decode("ascii", "replace")):
        return False
    Head(_wrap(head.key()), head.prefix).write(target)
    while block := file.read(CHUNK):
        target.write(block)
    return True
