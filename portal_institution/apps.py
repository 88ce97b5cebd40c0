from django.apps import AppConfig


class PortalInstitutionConfig(AppConfig):
    name = "portal_institution"
    verbose_name = "機関の画面"
