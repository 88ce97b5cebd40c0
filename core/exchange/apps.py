from django.apps import AppConfig


class ExchangeConfig(AppConfig):
    name = "core.exchange"
    label = "exchange"
    verbose_name = "データ交換"
