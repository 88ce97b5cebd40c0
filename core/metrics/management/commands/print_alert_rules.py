from typing import Any

from django.core.management.base import BaseCommand

from core.metrics.alert_rules import alert_rules


class Command(BaseCommand):
    help = "Prometheus の警報の規則を表示します（deploy/monitoring/alerts.yml の元）。"
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Writes the rules."""
        self.stdout.write(alert_rules(), ending="")
