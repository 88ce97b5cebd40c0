from django.apps import AppConfig


class NotifyConfig(AppConfig):
    name = "core.notify"
    label = "notify"
    verbose_name = "連絡"

    def ready(self) -> None:
        """Texts of mails with one-time links move with the keys."""
        from core.database.rotation import keeps_ciphers

        keeps_ciphers("notify_mail", "body_cipher")
