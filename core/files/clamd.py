"""A virus scanner behind the protocol of clamd (INSTREAM), over TCP or a Unix socket.

`CLAMD_ADDRESS` is `host:port` or `unix:/path`; empty: there is no scanner.
"""

import datetime as dt
import re
import socket
import struct
from dataclasses import dataclass

_CHUNK = 64 * 1024
_LONGEST_ANSWER = 4096
_LENGTH = struct.Struct(">I")


class ScannerSilent(Exception):
    """The scanner can't be reached, doesn't answer in time, or answers something else than a verdict."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the scanner says: clean, or the name of what it found (or why it refuses to look)."""

    clean: bool
    finding: str = ""


def scan(content: bytes, *, address: str, timeout: float) -> Verdict:
    """The scanner's word on these bytes. Raises ScannerSilent after `timeout` seconds without any."""
    # fullmatch on both: an answer cut in the middle must never pass for "OK"
    answer = _ask(b"zINSTREAM\0", content, address, timeout)
    if answer == "stream: OK":
        return Verdict(True)
    if found := re.fullmatch(r"stream: (.+) FOUND", answer):
        return Verdict(False, found[1][:200])
    if "size limit exceeded" in answer:
        # the scanner takes less than we do: nobody has looked at it, so nobody may open it
        return Verdict(False, "検査できる大きさを超えています")
    raise ScannerSilent(f"unexpected answer: {answer[:80]!r}")


def signatures_from(*, address: str, timeout: float) -> dt.datetime | None:
    """When the scanner's signatures were made; None when it doesn't say. Raises ScannerSilent."""
    # ClamAV 1.4.2/27500/Fri Jan  2 09:00:00 2026
    parts = _ask(b"zVERSION\0", None, address, timeout).split("/")
    if len(parts) < 3:
        return None
    try:
        moment = dt.datetime.strptime(" ".join(parts[2].split()), "%a %b %d %H:%M:%S %Y")  # noqa: DTZ007
    except ValueError:
        return None
    return moment.replace(tzinfo=dt.UTC)


def _connected(address: str, timeout: float) -> socket.socket:
    if address.startswith("unix:"):
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.settimeout(timeout)
            connection.connect(address.removeprefix("unix:"))
        except OSError:
            connection.close()
            raise
        return connection
    host, _, port = address.rpartition(":")
    return socket.create_connection((host.strip("[]"), int(port)), timeout=timeout)


def _ask(command: bytes, content: bytes | None, address: str, timeout: float) -> str:
    try:
        with _connected(address, timeout) as connection:
            connection.sendall(command)
            if content is not None:
                _send(connection, content)
            answer = b""
            while b"\0" not in answer and len(answer) < _LONGEST_ANSWER:
                part = connection.recv(_LONGEST_ANSWER)
                if not part:
                    break
                answer += part
    except (OSError, ValueError) as error:
        raise ScannerSilent(type(error).__name__) from error
    if b"\0" not in answer:
        raise ScannerSilent("answer cut off")
    return answer.partition(b"\0")[0].decode("utf-8", "replace").strip()


def _send(connection: socket.socket, content: bytes) -> None:
    try:
        for start in range(0, len(content), _CHUNK):
            part = content[start : start + _CHUNK]
            connection.sendall(_LENGTH.pack(len(part)) + part)
        connection.sendall(_LENGTH.pack(0))
    except (BrokenPipeError, ConnectionResetError):
        # it stopped listening; its reason ("size limit exceeded") may still be there to read
        return
