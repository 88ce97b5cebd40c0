from django.apps import AppConfig


class InstitutionsConfig(AppConfig):
    name = "institutions"
    verbose_name = "派遣可能機関"

    def ready(self) -> None:
        """Whoever queues the applying of a roster must know that kind of job."""
        from . import tasks  # noqa: F401
