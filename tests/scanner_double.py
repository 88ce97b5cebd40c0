"""A small server that speaks clamd's INSTREAM, for what can't be here: a scanner with its signatures.

It finds what it is told to find (EICAR's text by default), and can be silent, slow, broken or of few words.
"""

import socketserver
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


@dataclass
class Scanner:
    """What the server finds, and what it has seen."""

    address: str
    signatures: dict[bytes, str] = field(default_factory=lambda: {EICAR: "Eicar-Signature"})
    most_bytes: int = 25 * 1024**2
    # seconds before an answer; None: never
    silence: float | None = 0.0
    # instead of a verdict
    words: bytes | None = None
    scanned: list[bytes] = field(default_factory=list)
    closing: threading.Event = field(default_factory=threading.Event)


class _Talk(socketserver.StreamRequestHandler):
    scanner: Scanner

    def handle(self) -> None:
        scanner = self.scanner
        command = self._until_nul()
        if command == b"zVERSION":
            self.wfile.write(b"ClamAV 1.4.6/27500/Fri Jan  2 09:05:06 2026\0")
            return
        assert command == b"zINSTREAM", command
        content = b""
        while True:
            (length,) = struct.unpack(">I", self.rfile.read(4))
            if not length:
                break
            content += self.rfile.read(length)
            if len(content) > scanner.most_bytes:
                self.wfile.write(b"INSTREAM size limit exceeded. ERROR\0")
                return
        if scanner.silence is None:
            scanner.closing.wait(20)
            return
        time.sleep(scanner.silence)
        scanner.scanned.append(content)
        if scanner.words is not None:
            self.wfile.write(scanner.words)
            return
        found = next((name for mark, name in scanner.signatures.items() if mark in content), "")
        self.wfile.write(f"stream: {found} FOUND\0".encode() if found else b"stream: OK\0")

    def _until_nul(self) -> bytes:
        text = b""
        while (letter := self.rfile.read(1)) not in (b"\0", b""):
            text += letter
        return text


@contextmanager
def running(socket_path: Path | None = None) -> Iterator[Scanner]:
    """A scanner on a free port of this machine, or on a Unix socket."""
    handler = type("Handler", (_Talk,), {})
    server: socketserver.BaseServer
    if socket_path is None:
        server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler)
        host, port = server.server_address[:2]
        address = f"{host!s}:{port}"
    else:
        server = socketserver.ThreadingUnixStreamServer(str(socket_path), handler)
        address = f"unix:{socket_path}"
    server.daemon_threads = True
    scanner = handler.scanner = Scanner(address)  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield scanner
    finally:
        scanner.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()
