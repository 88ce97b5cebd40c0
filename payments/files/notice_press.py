"""Draws many notices on all cores. The bytes don't depend on how many there are."""

import os
import queue
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, suppress
from typing import TypeVar

from django.conf import settings

from core.errors import DomainError

from ..documents.notice import Notice, notice_pdf
from .notice_worker import receive, send

CHUNK = 16
# Below this many a process of one's own costs more time than it saves.
FEW = 40

T = TypeVar("T")


class _Worker:
    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "payments.files.notice_worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=settings.BASE_DIR,
        )

    def __enter__(self) -> "_Worker":
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()

    def draw(self, notices: list[Notice]) -> list[bytes]:
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            send(self._process.stdin, notices)
            pdfs: list[bytes] = receive(self._process.stdout)
        except (EOFError, BrokenPipeError) as gone:
            raise DomainError(
                f"支払通知書（{notices[0].number} から {len(notices)}件）を作成する処理が途中で止まりました。"
                "もう一度実行してください。"
            ) from gone
        return pdfs


def draw_notices(notices: Iterator[Notice], count: int, take: Callable[[Notice, bytes], T]) -> Iterator[T]:
    """Draws each notice, hands it with its PDF to `take` and yields the answers in the order of the notices.

    `take` may run in another thread: it must not touch the database.
    """
    if count <= FEW:
        for notice in notices:
            yield take(notice, notice_pdf(notice))
        return
    workers = max(1, min(os.cpu_count() or 1, count // CHUNK))
    idle: queue.SimpleQueue[_Worker] = queue.SimpleQueue()

    def work(chunk: list[Notice]) -> list[T]:
        worker = idle.get()
        try:
            pdfs = worker.draw(chunk)
        finally:
            idle.put(worker)
        return [take(notice, pdf) for notice, pdf in zip(chunk, pdfs, strict=True)]

    with ExitStack() as stack:
        for _ in range(workers):
            idle.put(stack.enter_context(_Worker()))
        # one more thread than workers: it writes files while they draw
        pool = stack.enter_context(ThreadPoolExecutor(workers + 1))
        waiting: deque[Future[list[T]]] = deque()
        for chunk in _chunks(notices):
            waiting.append(pool.submit(work, chunk))
            if len(waiting) > 2 * workers + 2:
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()


def _chunks(notices: Iterator[Notice]) -> Iterator[list[Notice]]:
    chunk: list[Notice] = []
    for notice in notices:
        chunk.append(notice)
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
