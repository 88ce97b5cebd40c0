"""登録内容の変更: asked for by the expert, checked by one person, made by another (spec 002 §3(1)2)①)."""

from django.apps import AppConfig


class ChangesConfig(AppConfig):
    name = "experts.changes"
    label = "expert_changes"
    verbose_name = "登録内容の変更"

    def ready(self) -> None:
        """Registers what keeps experts from being merged."""
        from . import merging  # noqa: F401
