from django.apps import AppConfig


class ChangesConfig(AppConfig):
    name = "experts.changes"
    label = "expert_changes"
    verbose_name = "登録内容の変更"
