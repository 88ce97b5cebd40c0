from django.apps import AppConfig


class PortalExpertConfig(AppConfig):
    name = "portal_expert"
    verbose_name = "専門家の画面"
