"""How old the last good backup is, and telling people in time."""

import datetime as dt
import logging
from dataclasses import dataclass

from core.audit.acting import SYSTEM
from core.notify.services import close_tasks, notify

from .calendar import OLDEST_CHECK, OLDEST_GOOD, OLDEST_LOG, sound
from .repository import BackupError, Repository

log = logging.getLogger(__name__)
_CODE, _OBJECT = "backup_alarm", "backup"


@dataclass(frozen=True)
class Standing:
    """How the backups stand. `backup_age`, `log_age`: None when there is none; `problems` in words, empty when all is well."""

    last: str
    backup_age: dt.timedelta | None
    log_age: dt.timedelta | None
    problems: list[str]


def standing(repository: Repository, now: dt.datetime) -> Standing:
    """How the backups stand at a moment. A backup that was found damaged doesn't count as good."""
    try:
        sets, state = sound(repository.sets(), repository.damaged()), repository.state()
    except BackupError as error:
        return Standing("", None, None, [str(error)])
    problems = [state["problem"]] if state.get("problem") else []
    verified = dt.datetime.fromisoformat(state["verified"]) if state.get("verified") else None
    if sets and verified is None:
        verified = sets[0].ended
    if verified and now - verified > OLDEST_CHECK:
        problems.append(
            f"すべての控えを最後に確かめてから {(now - verified).days} 日たちました（3 日まで）。manage.py backup --verify を実行してください。"
        )
    if not sets:
        return Standing(
            "", None, None, [*problems, "控えがまだ一つもありません。manage.py backup を実行してください。"]
        )
    age = now - sets[-1].ended
    reaches = dt.datetime.fromisoformat(state["complete"]) if "complete" in state else sets[-1].ended
    if age > OLDEST_GOOD:
        problems.append(
            f"最後の控えから {age.total_seconds() / 3600:.0f} 時間たちました（26 時間まで）。控えが取れない原因を確かめてください。"
        )
    if now - reaches > OLDEST_LOG:
        problems.append(
            f"この {(now - reaches).total_seconds() / 60:.0f} 分の変更が控えにありません（15 分まで）。worker とディスクの空きを確かめてください。"
        )
    return Standing(sets[-1].name, age, now - reaches, problems)


def raise_alarm(message: str) -> None:
    """A critical line in the log and a task for the office administrators, once while it is open."""
    log.critical("backup alarm: %s", message)
    notify(
        code=_CODE,
        object=_OBJECT,
        title="控え（バックアップ）に異常があります",
        note=message[:200],
        path="/office/",
        actor=SYSTEM,
        role="office_admin",
    )


def end_alarm() -> None:
    """All is well again: the task ends."""
    close_tasks(code=_CODE, object=_OBJECT, actor=SYSTEM)
