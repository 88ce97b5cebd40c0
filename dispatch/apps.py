from django.apps import AppConfig


class DispatchConfig(AppConfig):
    name = "dispatch"
    verbose_name = "派遣"

    def ready(self) -> None:
        """Registers the checks, and what goes over to a new operator."""
        from . import checks, handover  # noqa: F401
