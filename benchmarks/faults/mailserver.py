"""A mail server on the loopback that counts what it took, by the number in the Message-ID."""

import asyncio
import re
import ssl
import threading
import time
from collections import Counter
from email import message_from_bytes
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP

# A real server thinks about a mail before it answers; a kill meets that moment, too.
_PAUSE_SECONDS = 0.03
_NUMBER = re.compile(r"<mail-(\d+)\.")


class MailServer(Controller):
    """Takes everything over STARTTLS. `taken`: how often the text of each mail arrived whole."""

    def __init__(self, folder: Path) -> None:
        self.taken: Counter[int] = Counter()
        # when each was taken first
        self.moments: dict[int, float] = {}
        self.lock = threading.Lock()
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(folder / "certificate", folder / "key")
        super().__init__(self, hostname="127.0.0.1", port=0)

    def factory(self) -> SMTP:
        """One conversation."""
        return SMTP(self.handler, tls_context=self._context)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        """Counts as soon as the whole text is here, whether or not the sender lives to hear the answer."""
        number = _NUMBER.match(str(message_from_bytes(envelope.content)["Message-ID"]))
        assert number, "a mail that is none of ours"
        with self.lock:
            self.taken[int(number[1])] += 1
            self.moments.setdefault(int(number[1]), time.monotonic())
        await asyncio.sleep(_PAUSE_SECONDS)
        return "250 OK"

    def count(self) -> Counter[int]:
        """A copy of what was taken so far."""
        with self.lock:
            return Counter(self.taken)

    def _trigger_server(self) -> None:
        assert self.server is not None
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()
