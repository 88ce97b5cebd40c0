from django.apps import AppConfig


class AgreementsConfig(AppConfig):
    name = "core.agreements"
    label = "agreements"
    verbose_name = "規約と同意"
