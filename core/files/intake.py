"""Files from outside are judged by their bytes and written anew before anything else sees them (security.md K-02).

Pictures lose everything but their pixels, PDFs everything but how their pages look. The work is done by a process of
its own (core/files/opening.py), which has limits of time and memory and knows no secret.
"""

import hashlib
import json
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

from core.errors import DomainError

_PROGRAM = Path(__file__).with_name("opening.py")
_WALL_SECONDS = 25
_UNKNOWN = "ファイルを開けませんでした。撮り直すか、別のファイルを選んでください。"
# One at a time in each process: a dozen large pictures at once must not take all the memory there is.
_one_at_a_time = threading.BoundedSemaphore(1)


class FileRefused(DomainError):
    """The file isn't taken. `code` says for which kind of reason: empty, too_large, content, slow."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is taken: bytes of a file, pixels of a picture, its longest side as it is kept, pages of a PDF."""

    most_bytes: int
    most_pixels: int
    longest_edge: int
    most_pages: int


@dataclass(frozen=True, slots=True)
class Received:
    """A file as it came, read whole."""

    content: bytes

    @property
    def sha256(self) -> str:
        """Of what was received."""
        return hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True, slots=True)
class Intake:
    """A file as it is kept. Sizes are pixels, or points of a PDF's first page; `pages` is None for a picture."""

    media_type: str
    content: bytes
    thumbnail: bytes
    width: int
    height: int
    pages: int | None

    @property
    def sha256(self) -> str:
        """Of what is kept."""
        return hashlib.sha256(self.content).hexdigest()


def receive(content: bytes, limits: Limits) -> Received:
    """Refuses (FileRefused) what is empty or too large, before anything opens it."""
    if not content:
        raise FileRefused("ファイルが空です（0バイト）。もう一度選んでください。", code="empty")
    if len(content) > limits.most_bytes:
        raise FileRefused(too_large(limits), code="too_large")
    return Received(content)


def too_large(limits: Limits) -> str:
    """The sentence for a file that is larger than taken."""
    return (
        f"ファイルが大きすぎます。{limits.most_bytes // 1024**2:,}MB までのファイルを受け取れます。"
        "写真の解像度を下げるか、ファイルを分けて、もう一度選んでください。"
    )


def take_in(received: Received, limits: Limits) -> Intake:
    """The file judged by its bytes and written anew. Raises FileRefused with the reason."""
    asked = json.dumps(
        {
            "bytes": limits.most_bytes,
            "pixels": limits.most_pixels,
            "edge": limits.longest_edge,
            "pages": limits.most_pages,
        }
    )
    with _one_at_a_time:
        try:
            # our own program with our own arguments; the environment, and every secret in it, stays behind
            done = subprocess.run(  # noqa: S603
                [sys.executable, "-I", str(_PROGRAM), asked],
                input=received.content,
                capture_output=True,
                timeout=_WALL_SECONDS,
                env={},
                cwd="/",
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise FileRefused(
                "ファイルを開くのに時間がかかりすぎました。小さくするか、撮り直して、もう一度選んでください。",
                code="slow",
            ) from None
    head, found, rest = done.stdout.partition(b"\n")
    if done.returncode != 0 or not found:
        # killed by a limit, or a decoder broke down over it
        raise FileRefused(_UNKNOWN, code="content")
    answer = json.loads(head)
    if "refused" in answer:
        raise FileRefused(answer["refused"], code="content")
    return Intake(
        media_type=answer["media_type"],
        content=rest[: answer["kept"]],
        thumbnail=rest[answer["kept"] : answer["kept"] + answer["thumbnail"]],
        width=answer["width"],
        height=answer["height"],
        pages=answer["pages"],
    )
