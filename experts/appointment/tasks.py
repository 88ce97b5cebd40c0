"""The background work of appointments: mails to many, and letters for all who agreed."""

import datetime as dt
from typing import Any

from accounts.models import User
from core.jobs.progress import Progress
from core.jobs.registry import job_kind

from .issuing import KIND as ISSUE
from .issuing import issue_all
from .models import Round, Sending
from .offering import KIND, send


@job_kind(KIND, "委嘱のメール", cancellable=True)
def send_appointments(arguments: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Arguments: sending (id), actor (id of the person who asked)."""
    sending = Sending.objects.select_related("round").get(pk=arguments["sending"])
    done = send(sending=sending, actor=User.objects.get(pk=arguments["actor"]), progress=progress)
    return {"メール": done.mail_count, "宛先なし": done.no_address_count}


@job_kind(ISSUE, "委嘱状の発行", cancellable=True, keeps_done=True)
def issue_letters(arguments: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Arguments: round (id), issued_on (ISO day), actor (id of the person who asked)."""
    issued, failed = issue_all(
        round=Round.objects.get(pk=arguments["round"]),
        issued_on=dt.date.fromisoformat(arguments["issued_on"]),
        actor=User.objects.get(pk=arguments["actor"]),
        progress=progress,
    )
    return {"発行": issued, "発行できない": failed}
