from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = "利用者"

    def ready(self) -> None:
        """Connects what follows from signing in and out; the secrets of second factors move with the keys."""
        from core.database.rotation import keeps_ciphers

        from . import receivers  # noqa: F401

        keeps_ciphers("mfa_authenticator", "data")
