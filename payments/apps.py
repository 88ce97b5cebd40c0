from django.apps import AppConfig


class PaymentsConfig(AppConfig):
    name = "payments"
    verbose_name = "支払"

    def ready(self) -> None:
        from core.database.rotation import keeps_ciphers
        from dispatch.after_change import when_changed
        from experts.changes.services import when_made

        from . import tasks  # noqa: F401 - registers the kinds of jobs
        from .services.live import judge_changed
        from .services.payee_changes import judge_expert, warn_of_change

        when_changed(judge_changed)
        when_made(warn_of_change)
        when_made(judge_expert)
        keeps_ciphers("payments_payoutrun", "payer_copy")
