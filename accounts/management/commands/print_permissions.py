"""Prints who may do what, as a document."""

from typing import Any

from django.core.management.base import BaseCommand

from accounts.permission_document import document


class Command(BaseCommand):
    help = "権限の一覧を Markdown で表示します（docs/permissions.md の元）。"

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(document(), ending="")
