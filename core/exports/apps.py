from django.apps import AppConfig


class ExportsConfig(AppConfig):
    name = "core.exports"
    label = "exports"
    verbose_name = "書き出し"

    def ready(self) -> None:
        """Whoever queues an export must know its kind of job."""
        from . import tasks  # noqa: F401
