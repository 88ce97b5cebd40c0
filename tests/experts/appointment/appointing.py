"""Appointments in steps, for the tests: opened, mailed, answered, issued, accepted."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from stage import Stage

from core import clock
from core.jobs.progress import Progress
from experts.appointment import answering, issuing, offering
from experts.appointment.models import Acceptance, Appointment, Letter, Round, Sending
from experts.models import Expert

FIRST_DAY = dt.date(2022, 4, 1)
ANSWER_BY = dt.date(2022, 4, 20)
ISSUER = {"issuer_name": "専門家派遣事務局株式会社", "issuer_title": "代表取締役　試験 太郎"}
VERSION = "2021-1"


@dataclass
class Spring:
    """The stage, and the acts of office and experts on it."""

    stage: Stage

    @staticmethod
    def at(text: str) -> dt.datetime:
        """A moment in Japan."""
        return dt.datetime.fromisoformat(text).replace(tzinfo=clock.JST)

    def travel(self, text: str) -> None:
        """The clock goes on to that moment."""
        self.stage.travel(self.at(text))

    def begun(self, **values: Any) -> Sending:
        """The round of fiscal year 2022, its mails queued as a job."""
        given = {
            "fiscal_year": 2022,
            "first_day": FIRST_DAY,
            "answer_by": ANSWER_BY,
            "message": "",
            "key": "k0",
            "actor": self.stage.operator,
        }
        return offering.open_round(**{**given, **values})

    def send(self, sending: Sending, progress: Progress | None = None) -> Sending:
        """Does the job's work."""
        return offering.send(sending=sending, actor=self.stage.operator, progress=progress or Progress())

    def opened(self) -> Round:
        """Everybody has been offered an appointment."""
        return Round.objects.get(pk=self.send(self.begun()).round_id)

    def one(self, code: str = "E1") -> Appointment:
        """An expert's appointment as it is now."""
        return Appointment.objects.select_related("round", "expert").get(
            expert__code=code, round__fiscal_year=2022
        )

    def answer(self, code: str = "E1", agrees: bool = True, **values: Any) -> Appointment:
        """The expert answers."""
        one = self.one(code)
        given = {
            "text_version": VERSION,
            "reason": "" if agrees else "本業が忙しいため",
            "version": one.version,
            "actor": self.stage.experts[code],
        }
        return answering.answer_conditions(appointment=one, agrees=agrees, **{**given, **values})

    def queue(self, **values: Any) -> Round:
        """The office has the letters issued."""
        row = Round.objects.get(fiscal_year=2022)
        given = {"issued_on": clock.today(), "version": row.version, "actor": self.stage.approver, **ISSUER}
        return issuing.queue_issue(round=row, **{**given, **values})

    def issue(self, progress: Progress | None = None) -> tuple[int, int]:
        """Does the job's work."""
        return issuing.issue_all(
            round=self.queue(),
            issued_on=clock.today(),
            actor=self.stage.approver,
            progress=progress or Progress(),
        )

    def accept(self, code: str = "E1") -> Acceptance:
        """The expert accepts."""
        return answering.accept_letter(appointment=self.one(code), actor=self.stage.experts[code])

    def letter(self, code: str = "E1") -> Letter:
        """An expert's letter."""
        return Letter.objects.select_related("appointment").get(appointment__expert__code=code)


def expert(code: str = "E1") -> Expert:
    """An expert as the register has it now."""
    return Expert.objects.get(code=code)
