"""`migrate` as the owner's role; afterwards every role has exactly the rights it needs."""

from typing import Any

from django.core.management.base import CommandParser
from django.core.management.commands.migrate import Command as DjangoMigrate
from django.db import connections, transaction

from core.database import roles


class Command(DjangoMigrate):
    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.set_defaults(database="owner")

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Refuses in one line, before Django looks for the owner's database."""
        roles.require_owner()
        return super().execute(*args, **options)

    def handle(self, *args: Any, **options: Any) -> None:
        separate = roles.create_roles()
        super().handle(*args, **options)
        with transaction.atomic(using="owner"):
            roles.grant_rights()
        connections["default"].close()  # connects anew with the role that exists now
        if not separate:
            self.stderr.write(
                "注意: アプリケーション用のロールを作成できないため、所有者のロールのまま動作します。"
                "本番では DATABASE_URL と DATABASE_OWNER_URL に別のロールを設定してください。"
            )
