from django.apps import AppConfig


class DispatchConfig(AppConfig):
    name = "dispatch"
    verbose_name = "派遣"

    def ready(self) -> None:
        """Registers the checks, what goes over to a new operator, and what keeps experts from being merged."""
        from . import checks, handover, merging  # noqa: F401
