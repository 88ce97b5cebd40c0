"""A renewal in steps, for the tests: prepared, sent, answered, closed."""

import datetime as dt
import io
import re
from dataclasses import dataclass
from typing import Any

from stage import Stage

from core import clock
from core.audit.acting import SYSTEM, acting
from core.exchange.services import load_files
from core.jobs.progress import Progress
from core.notify.models import Mail
from core.secrets import decrypt
from experts.models import Expert
from experts.renewal import answering, campaigns, closing, sending
from experts.renewal.models import Ask, Campaign, Wave
from institutions.models import Institution

ANSWER_BY = dt.date(2022, 2, 28)
REMIND_ON = (dt.date(2022, 2, 15), dt.date(2022, 2, 22))
YEAR_END = dt.date(2022, 3, 31)
TEXTS = {"expert_terms": "2021-1", "expert_privacy": "2021-1"}
RENEW = answering.Said(answer="renew", data_right=True, agreed=TEXTS)
DECLINE = answering.Said(answer="decline", reason="転職・転居のため", agreed={})


@dataclass
class Year:
    """The stage, and the acts of office and experts on it."""

    stage: Stage

    @staticmethod
    def at(text: str) -> dt.datetime:
        """A moment in Japan."""
        return dt.datetime.fromisoformat(text).replace(tzinfo=clock.JST)

    def travel(self, text: str) -> None:
        """The clock goes on to that moment."""
        self.stage.travel(self.at(text))

    def prepared(self, **values: Any) -> Campaign:
        """A campaign for the end of fiscal year 2021, nobody asked yet."""
        given = {
            "fiscal_year": 2021,
            "answer_by": ANSWER_BY,
            "remind_on": REMIND_ON,
            "message": "",
            "actor": self.stage.operator,
        }
        return campaigns.prepare_campaign(**{**given, **values})

    def begun(self, campaign: Campaign | None = None, key: str = "k0") -> Wave:
        """The job of the first mails is queued."""
        campaign = campaign or self.prepared()
        return sending.start_campaign(
            campaign=campaign, version=campaign.version, key=key, actor=self.stage.operator
        )

    def send(self, wave: Wave, progress: Progress | None = None) -> Wave:
        """Does the job's work."""
        return sending.send_wave(wave=wave, actor=self.stage.operator, progress=progress or Progress())

    def asked(self) -> Campaign:
        """Everybody has been asked."""
        return Campaign.objects.get(pk=self.send(self.begun()).campaign_id)

    def ask(self, code: str = "E1") -> Ask:
        """An expert's ask as it is now."""
        return Ask.objects.select_related("campaign", "expert").get(expert__code=code)

    def answer(self, code: str = "E1", said: answering.Said = RENEW, **values: Any) -> Ask:
        """The expert answers on the own page."""
        ask = self.ask(code)
        given = {"version": ask.version, "actor": self.stage.experts[code], "address": None, "agent": "test"}
        return answering.answer_on_page(ask=ask, said=said, **{**given, **values})

    def token(self, code: str = "E1", wave: int = 0) -> str:
        """The token in an expert's mail."""
        mail = Mail.objects.get(key=f"renewal:2021:{wave}:{code}")
        found = re.search(r"/renew/([^/\s]+)/", decrypt(mail.body_cipher))
        assert found
        return found[1]

    def close(self, campaign: Campaign, **values: Any) -> Campaign:
        """The approver closes what the preview shows now."""
        mark = closing.preview(campaign).mark
        return closing.close_campaign(
            campaign=campaign, **{"mark": mark, "actor": self.stage.approver, **values}
        )


def expert(code: str = "E1") -> Expert:
    """An expert as the register has it now."""
    return Expert.objects.get(code=code)


def timer() -> int:
    """What beat does once an hour."""
    return sending.remind_on_days()


def registered(count: int) -> None:
    """So many experts."""
    load_files({"institutions.csv": io.BytesIO("機関コード,機関名,機関区分,都道府県コード\nK1,試験商工会,商工会,13\n".encode())}, actor=SYSTEM)  # fmt: skip
    institution = Institution.objects.get()
    with acting(SYSTEM, "test"):
        Expert.objects.bulk_create(
            Expert(
                code=f"E{number:05}",
                name=f"試験 {number}",
                prefecture_code="13",
                address="試験町",
                email=f"e{number}@example.jp",
                recommended_by=institution,
                requirement="資格",
                payee_class="報酬2号",
                account_number="1234567",
                account_holder_kana="シケン",
            )
            for number in range(count)
        )


__all__ = ["SYSTEM", "Year", "expert", "registered", "timer"]
