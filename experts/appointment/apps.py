from django.apps import AppConfig


class AppointmentConfig(AppConfig):
    name = "experts.appointment"
    label = "appointment"
    verbose_name = "委嘱"
