"""`manage.py incident_reach`: the records that a person, a span of time or an address touched (security.md R-036)."""

import datetime as dt
import ipaddress
from argparse import ArgumentParser
from collections import Counter
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from core.audit.acting import SYSTEM
from core.audit.incident import reach, require_narrow, unlisted
from core.audit.models import Access, Change
from core.audit.naming import models_by_table
from core.audit.searching import Criteria
from core.audit.services import record_view
from core.clock import from_jst, jst
from core.errors import DomainError
from core.exchange.writing import replaced
from office.history import people_called, write_reach

_FORMS = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d")


class Command(BaseCommand):
    help = "事故のときに、利用者・期間・接続元が変更・閲覧・出力した記録を調べます。"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--person", default="", metavar="USER", help="利用者名または氏名")
        parser.add_argument("--from", dest="since", default="", metavar="TIME", help='例 "2026-11-20 13:00"')
        parser.add_argument("--to", dest="until", default="", metavar="TIME", help="この時刻の前まで")
        parser.add_argument("--address", default="", help="接続元の IP アドレス")
        parser.add_argument("--request", default="", metavar="ID", help="リクエストID")
        parser.add_argument("--output", type=Path, metavar="FILE", help="記録の一覧を CSV に書きます")

    def handle(self, *args: Any, **options: Any) -> None:
        criteria = Criteria(
            tables=list(models_by_table()),
            actors=people_called(options["person"]) if options["person"] else None,
            since=_moment(options["since"]),
            until=_moment(options["until"]),
            address=_address(options["address"]),
            request_id=options["request"].strip(),
        )
        require_narrow(criteria)
        if options["output"]:
            with replaced(options["output"]) as file:
                count = write_reach(file, criteria)
            record_view(
                actor=SYSTEM, what=Access.What.EXPORT, object=Change, label="影響範囲の一覧",
                reason="incident_reach", row_count=count,
            )  # fmt: skip
            self.stdout.write(f"{count:,}件の記録を {options['output']} に書きました。")
        else:
            touched, changed, seen, taken = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
            for record in reach(criteria):
                name = record.table_name
                touched[name] += 1
                changed[name] += bool(record.changed)
                seen[name] += bool(record.seen)
                taken[name] += bool(record.taken)
            for name in sorted(touched):
                self.stdout.write(
                    f"{name}: {touched[name]:,}件（変更 {changed[name]:,}、閲覧 {seen[name]:,}、出力 {taken[name]:,}）"
                )
            if not touched:
                self.stdout.write("触れた記録はありません。")
        for act in unlisted(criteria):
            self.stdout.write(
                f"{jst(act.at):%Y-%m-%d %H:%M:%S} {act.actor_name} {act.get_what_display()}"
                f" {act.label} {act.row_count:,}件 {act.reason}"
            )


def _moment(text: str) -> dt.datetime | None:
    if not text.strip():
        return None
    for form in _FORMS:
        try:
            return from_jst(dt.datetime.strptime(text.strip(), form))  # noqa: DTZ007 - Japan's time by from_jst
        except ValueError:
            continue
    raise DomainError(f"日時「{text}」を読めません。「2026-11-20 13:00」の形で指定してください。")


def _address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text.strip())) if text.strip() else ""
    except ValueError:
        raise DomainError(f"「{text}」は IP アドレスではありません。") from None
