"""The monthly close as a batch (exchange.md §3): the services of the screens, one after the other."""

import datetime as dt
import json
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from accounts.models import User
from core.clock import from_jst
from core.errors import DomainError

from ...models import PayoutRun
from ...services.batch import close_month, export_approved

_MONTH = re.compile(r"([0-9]{4})[-/]([0-9]{1,2})")
_DAY = re.compile(r"([0-9]{4})[-/]([0-9]{1,2})[-/]([0-9]{1,2})")
_MOMENT = re.compile(_DAY.pattern + r"(?:[ T]([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?)?")


class Command(BaseCommand):
    help = "月を締めます: 月次支払の作成・計算（作成者）、承認（承認者）、出力。途中で止まっても、もう一度実行すれば続きから終わります。"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("month", help="対象月（例 2021-07）")
        parser.add_argument("--maker", metavar="USER", help="作成者の利用者名")
        parser.add_argument("--checker", metavar="USER", help="承認者の利用者名")
        parser.add_argument("--pay-date", metavar="DATE", help="支払日（例 2021-08-25）")
        parser.add_argument("--output", metavar="DIR", required=True, help="出力先のフォルダー")
        parser.add_argument(
            "--cutoff", metavar="DATETIME", help="締切の日時（例 「2021-07-20 00:00」。既定は月の終わり）"
        )
        parser.add_argument(
            "--export-approved", action="store_true", help="画面で承認された月次支払を出力する"
        )

    # the checks load every screen, which takes longer than a small month
    requires_system_checks: list[str] = []
    leaves_at_once = False

    def run_from_argv(self, argv: list[str]) -> None:
        """As a command of its own it leaves at once when the work is done."""
        self.leaves_at_once = True
        super().run_from_argv(argv)

    def handle(self, *args: Any, **options: Any) -> None:
        def told(run: PayoutRun) -> None:
            self.stdout.write(json.dumps(_report(run, options["output"]), ensure_ascii=False))
            sys.stdout.flush()

        self._close(options, told)
        if self.leaves_at_once:
            # a kill while the interpreter tidies up would look like one before the end
            os._exit(0)

    def _close(self, options: dict[str, Any], told: Callable[[PayoutRun], None]) -> None:
        month = _month(options["month"])
        directory = Path(options["output"])
        if options["export_approved"]:
            if any(options[name] for name in ("maker", "checker", "pay_date", "cutoff")):
                raise DomainError("--export-approved には --output だけを組み合わせてください。")
            told(export_approved(month=month, directory=directory))
            return
        missing = [name for name in ("maker", "checker", "pay_date") if not options[name]]
        if missing:
            raise DomainError(
                "、".join(f"--{name.replace('_', '-')}" for name in missing) + " を指定してください。"
            )
        if not settings.ALLOW_BATCH_CLOSE:
            raise DomainError(
                "この環境では、作成者と承認者を一度に指定して締めることはできません。画面で承認した月次支払を "
                "--export-approved で出力してください。"
            )
        close_month(
            month=month,
            maker=_user(options["maker"]),
            checker=_user(options["checker"]),
            pay_date=_day(options["pay_date"]),
            cutoff=_moment(options["cutoff"]) if options["cutoff"] else None,
            directory=directory,
            told=told,
        )


def _report(run: PayoutRun, directory: str) -> dict[str, Any]:
    return {
        "run": run.name,
        "status": run.status,
        "payouts": run.payee_count,
        "dispatches": run.dispatch_count,
        "gross": run.gross,
        "withholding": run.withholding,
        "net": run.net,
        "output": directory,
    }


def _month(text: str) -> dt.date:
    found = _MONTH.fullmatch(text.strip())
    try:
        return dt.date(int(found[1]), int(found[2]), 1) if found else _wrong("対象月", text, "2021-07")
    except ValueError:
        return _wrong("対象月", text, "2021-07")


def _day(text: str) -> dt.date:
    found = _DAY.fullmatch(text.strip())
    try:
        return (
            dt.date(int(found[1]), int(found[2]), int(found[3]))
            if found
            else _wrong("支払日", text, "2021-08-25")
        )
    except ValueError:
        return _wrong("支払日", text, "2021-08-25")


def _moment(text: str) -> dt.datetime:
    found = _MOMENT.fullmatch(text.strip())
    try:
        if found:
            year, month, day, hour, minute, second = (int(part or 0) for part in found.groups())
            moment = dt.datetime.combine(dt.date(year, month, day), dt.time(hour, minute, second))
            return from_jst(moment)
    except ValueError:
        pass
    raise DomainError(f"締切「{text}」は日時ではありません。「2021-07-20 00:00」の形で指定してください。")


def _wrong(what: str, text: str, example: str) -> dt.date:
    raise DomainError(f"{what}「{text}」を読めません。{example} の形で指定してください。")


def _user(name: str) -> User:
    user = User.objects.filter(username=name).first()
    if user is None:
        raise DomainError(f"利用者「{name}」は登録されていません。利用者名を確かめてください。")
    return user
