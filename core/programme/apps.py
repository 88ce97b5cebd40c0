from django.apps import AppConfig


class ProgrammeConfig(AppConfig):
    name = "core.programme"
    label = "programme"
    verbose_name = "年度と規則"
