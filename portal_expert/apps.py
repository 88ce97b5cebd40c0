from django.apps import AppConfig


class PortalExpertConfig(AppConfig):
    name = "portal_expert"
    verbose_name = "専門家の画面"

    def ready(self) -> None:
        from . import clock_skew  # noqa: F401 - registers an advisory
