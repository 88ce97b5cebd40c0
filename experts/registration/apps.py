from django.apps import AppConfig


class RegistrationConfig(AppConfig):
    name = "experts.registration"
    label = "registration"
    verbose_name = "専門家の登録"
