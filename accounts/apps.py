from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = "利用者"

    def ready(self) -> None:
        """Connects what follows from signing in and out."""
        from . import receivers  # noqa: F401
