"""Makes an account, tied to its institution or expert where the role asks for one (exchange.md §4)."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from accounts.links import one_time_link
from accounts.models import Role
from core.audit.acting import SYSTEM
from core.errors import DomainError
from experts.accounts import NEEDS_INSTITUTION, create_tied_user


class Command(BaseCommand):
    help = "利用者を登録します。--password-stdin が無い場合は、パスワードを設定する一度限りのリンクを表示します。"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", metavar="NAME")
        parser.add_argument("--role", required=True)
        parser.add_argument("--institution", metavar="CODE", default="")
        parser.add_argument("--expert", metavar="CODE", default="")
        parser.add_argument("--email", metavar="ADDRESS", default="")
        parser.add_argument("--display-name", metavar="氏名", default="")
        parser.add_argument("--password-stdin", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        role = options["role"]
        if (role in NEEDS_INSTITUTION) != bool(options["institution"]):
            raise DomainError(
                "--institution は、役割が institution_chief または institution_staff のときに必ず指定し、"
                "ほかの役割では指定しないでください。"
            )
        if (role == Role.EXPERT) != bool(options["expert"]):
            raise DomainError(
                "--expert は、役割が expert のときに必ず指定し、ほかの役割では指定しないでください。"
            )
        password = sys.stdin.readline().rstrip("\r\n") if options["password_stdin"] else None
        user = create_tied_user(
            username=options["name"],
            role=role,
            email=options["email"],
            display_name=options["display_name"],
            password=password,
            institution=options["institution"],
            expert=options["expert"],
            actor=SYSTEM,
        )
        self.stdout.write(f"利用者「{user.username}」（{user.get_role_display()}）を登録しました。")
        if password is None:
            self.stdout.write(f"パスワードを設定する一度限りのリンク: {one_time_link(user)}")
