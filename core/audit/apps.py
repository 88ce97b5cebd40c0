from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "core.audit"
    label = "audit"
    verbose_name = "履歴"

    def ready(self) -> None:
        from . import retention  # noqa: F401 - registers its check
