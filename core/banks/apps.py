from django.apps import AppConfig


class BanksConfig(AppConfig):
    name = "core.banks"
    label = "banks"
    verbose_name = "金融機関マスタ"
