from django.apps import AppConfig


class RegistrationConfig(AppConfig):
    name = "experts.registration"
    label = "registration"
    verbose_name = "専門家の登録"

    def ready(self) -> None:
        """Registers what goes over to a new operator of a よろず."""
        from . import handover  # noqa: F401
