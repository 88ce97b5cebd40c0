from django.apps import AppConfig


class RenewalConfig(AppConfig):
    name = "experts.renewal"
    label = "renewal"
    verbose_name = "登録の更新"
