"""委嘱: conditions, agreement, letters, acceptance (spec 002 §3(1)2)②)."""

from django.apps import AppConfig


class AppointmentConfig(AppConfig):
    name = "experts.appointment"
    label = "appointment"
    verbose_name = "委嘱"

    def ready(self) -> None:
        """Whoever queues mails or letters of appointments must know their kinds of job; registers what keeps experts from being merged."""
        from . import merging, tasks  # noqa: F401
