from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class MetricsConfig(AppConfig):
    name = "core.metrics"
    label = "metrics"
    verbose_name = "稼働状況"

    def ready(self) -> None:
        """Every app declares what it can be read of in its readings.py."""
        autodiscover_modules("readings")
