from django.apps import AppConfig


class PaymentsConfig(AppConfig):
    name = "payments"
    verbose_name = "支払"

    def ready(self) -> None:
        from core.database.rotation import keeps_ciphers
        from dispatch.after_change import when_changed

        from . import tasks  # noqa: F401 - registers the kinds of jobs
        from .services.live import judge_changed

        when_changed(judge_changed)
        keeps_ciphers("payments_payoutrun", "payer_copy")
