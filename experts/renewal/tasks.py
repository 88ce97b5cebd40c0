"""The background work of renewals: the mails of a wave, and the reminders whose day has come."""

from typing import Any

from celery import shared_task

from accounts.models import User
from core.audit.acting import SYSTEM, Actor
from core.jobs.progress import Progress
from core.jobs.registry import job_kind

from .models import Wave
from .sending import KIND, remind_on_days, send_wave


@job_kind(KIND, "登録の更新のメール", cancellable=True)
def send_renewal(arguments: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Arguments: wave (id), actor (id of the person who asked; none: the timer), renewal (year)."""
    wave = Wave.objects.select_related("campaign").get(pk=arguments["wave"])
    actor: Actor = User.objects.get(pk=arguments["actor"]) if arguments["actor"] else SYSTEM
    done = send_wave(wave=wave, actor=actor, progress=progress)
    return {"メール": done.mail_count, "宛先なし": done.no_address_count}


@shared_task
def remind_renewals() -> int:
    """Once an hour: reminders whose day has come; answers how many were begun."""
    return remind_on_days()
