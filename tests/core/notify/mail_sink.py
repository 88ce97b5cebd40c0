"""A small mail server on the loopback that remembers what it was told."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP


@dataclass
class Sink:
    """What arrived: envelope sender, recipients, text; and how the server answers the next mails."""

    port: int = 0
    mails: list[Any] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    recipient_answers: list[str] = field(default_factory=list)
    # where it keeps the client waiting, and for how long it thinks about each mail
    wait_at_recipient: bool = False
    wait_after_text: bool = False
    waiting: bool = False
    pause: float = 0

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        while self.wait_at_recipient:
            self.waiting = True
            await asyncio.sleep(0.05)
        if self.recipient_answers:
            return self.recipient_answers.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.answers:
            answer = self.answers.pop(0)
            if answer == "vanish":
                self.mails.append(envelope)
                server.transport.close()
                return "421 gone"
            return answer
        self.mails.append(envelope)
        await asyncio.sleep(self.pause)
        while self.wait_after_text:
            await asyncio.sleep(0.05)
        return "250 OK"


class OnPort(Controller):
    """aiosmtpd's controller on a port the system chooses."""

    def __init__(self, sink: Sink, **options: Any) -> None:
        self.options = options
        super().__init__(sink, hostname="127.0.0.1", port=0)

    def factory(self) -> SMTP:
        return SMTP(self.handler, **self.options)

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()
