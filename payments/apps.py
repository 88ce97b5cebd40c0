from django.apps import AppConfig


class PaymentsConfig(AppConfig):
    name = "payments"
    verbose_name = "支払"

    def ready(self) -> None:
        from . import tasks  # noqa: F401 - registers the kinds of jobs
