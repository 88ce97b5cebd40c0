from django.apps import AppConfig


class DispatchConfig(AppConfig):
    name = "dispatch"
    verbose_name = "派遣"

    def ready(self) -> None:
        """Registers the checks."""
        from . import checks  # noqa: F401
