from django.apps import AppConfig
from django.db.backends.signals import connection_created


class DatabaseConfig(AppConfig):
    name = "core.database"
    label = "database"
    verbose_name = "データベース"

    def ready(self) -> None:
        from .roles import take_application_role

        connection_created.connect(take_application_role, dispatch_uid="take_application_role")
