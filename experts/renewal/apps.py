"""Year-end renewal of all registrations (spec 002 §3(1)2)①)."""

from django.apps import AppConfig


class RenewalConfig(AppConfig):
    name = "experts.renewal"
    label = "renewal"
    verbose_name = "登録の更新"

    def ready(self) -> None:
        """Whoever queues mails of a renewal must know their kind of job; registers what keeps experts from being merged."""
        from . import merging, tasks  # noqa: F401
