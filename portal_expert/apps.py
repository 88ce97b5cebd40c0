from django.apps import AppConfig


class PortalExpertConfig(AppConfig):
    name = "portal_expert"
    verbose_name = "専門家の画面"

    def ready(self) -> None:
        from . import clock_skew, signature_sketches  # noqa: F401 - register an advisory and fingerprints
