"""How people sign in: numbers an administrator sets within bounds the ministry's policy gives."""

from typing import NamedTuple

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from .people import Role, no_list


class Bound(NamedTuple):
    """The least and the greatest value of one number of the policy, and what it is at first."""

    least: int
    greatest: int
    default: int
    unit: str


# The database holds the same bounds (CHECK); a number outside can't even be written by hand.
BOUNDS: dict[str, Bound] = {
    "password_min_length": Bound(12, 64, 12, "文字"),
    "password_classes": Bound(2, 4, 2, "種類"),
    "password_reuse": Bound(1, 24, 4, "回"),
    "password_max_age_days": Bound(30, 400, 365, "日"),
    "lock_threshold": Bound(3, 10, 5, "回"),
    "lock_minutes": Bound(5, 1440, 30, "分"),
    "idle_minutes": Bound(5, 120, 60, "分"),
    "absolute_hours": Bound(1, 24, 12, "時間"),
}


def _number(name: str, label: str, help_text: str) -> models.PositiveSmallIntegerField:
    bound = BOUNDS[name]
    return models.PositiveSmallIntegerField(
        label,
        default=bound.default,
        help_text=f"{help_text}{bound.least}から{bound.greatest}{bound.unit}。",
        validators=[MinValueValidator(bound.least), MaxValueValidator(bound.greatest)],
    )


class SignInPolicy(models.Model):
    """The one row of numbers that every sign-in obeys."""

    password_min_length = _number("password_min_length", "パスワードの最短の長さ", "")
    password_classes = _number(
        "password_classes",
        "パスワードの文字の種類",
        "英大文字・英小文字・数字・記号のうち、いくつ以上を使うか。",
    )
    password_reuse = _number("password_reuse", "再び使えないパスワード", "直近の何回分を使えなくするか。")
    password_max_age_days = _number(
        "password_max_age_days", "パスワードの有効日数", "過ぎると、次のログインで変更を求めます。"
    )
    lock_threshold = _number("lock_threshold", "ロックまでの失敗回数", "")
    lock_minutes = _number("lock_minutes", "ロックの時間", "")
    idle_minutes = _number("idle_minutes", "操作がないときの自動ログアウト", "")
    absolute_hours = _number(
        "absolute_hours", "ログインの最長時間", "操作を続けていても、過ぎるとログアウトします。"
    )

    class Meta:
        verbose_name = verbose_name_plural = "ログインの規則"
        constraints = [
            models.CheckConstraint(name="accounts_policy_single", condition=models.Q(id=1)),
            *(
                models.CheckConstraint(
                    name=f"accounts_policy_{name}",
                    condition=models.Q(**{f"{name}__gte": bound.least, f"{name}__lte": bound.greatest}),
                )
                for name, bound in BOUNDS.items()
            ),
        ]


class RoleNetworks(models.Model):
    """From which addresses a role may sign in; an empty list means from anywhere."""

    role = models.CharField("役割", max_length=20, choices=Role, unique=True)
    networks = ArrayField(
        models.CharField(max_length=43), verbose_name="許可する接続元", default=no_list, blank=True
    )

    class Meta:
        verbose_name = verbose_name_plural = "役割ごとの接続元"
