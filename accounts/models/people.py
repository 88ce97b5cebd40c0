"""People who sign in, and what each may do (design.md §8)."""

from typing import Any

from django.contrib.auth.models import AbstractUser
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.crypto import salted_hmac

from accounts import rights
from core import clock


class Role(models.TextChoices):
    OFFICE_OPERATOR = "office_operator", "事務局 担当"
    OFFICE_APPROVER = "office_approver", "事務局 承認者"
    OFFICE_ADMIN = "office_admin", "事務局 管理者"
    INSTITUTION_CHIEF = "institution_chief", "派遣可能機関 責任者"
    INSTITUTION_STAFF = "institution_staff", "派遣可能機関 担当"
    EXPERT = "expert", "専門家"
    AGENCY_VIEWER = "agency_viewer", "中小企業庁"


OFFICE_BUSINESS_ROLES = frozenset({Role.OFFICE_OPERATOR, Role.OFFICE_APPROVER})
OFFICE_ROLES = OFFICE_BUSINESS_ROLES | {Role.OFFICE_ADMIN}
# Whoever sees other people's data signs in with a second factor; experts see their own and may.
SECOND_FACTOR_ROLES = frozenset(Role) - {Role.EXPERT}


def no_list() -> list[Any]:
    """An empty list for a new row."""
    return []


class User(AbstractUser):
    """A person with one role. Experts and institution staff are tied to their record in those apps."""

    role = models.CharField("役割", max_length=20, choices=Role)
    is_emergency = models.BooleanField("緊急用", default=False)
    password_set_at = models.DateTimeField("パスワードの設定日時", null=True, blank=True, editable=False)
    # grows whenever all sessions of the person are to end at once
    session_generation = models.PositiveIntegerField("ログインの世代", default=0, editable=False)
    # When and from where this person may sign in; nothing given means no limit of the person's own.
    allowed_weekdays = ArrayField(
        models.PositiveSmallIntegerField(), verbose_name="使える曜日", default=no_list, blank=True
    )
    allowed_from = models.TimeField("使える時刻（から）", null=True, blank=True)
    allowed_until = models.TimeField("使える時刻（まで）", null=True, blank=True)
    allowed_networks = ArrayField(
        models.CharField(max_length=43), verbose_name="使える接続元", default=no_list, blank=True
    )

    class Meta(AbstractUser.Meta):
        verbose_name = verbose_name_plural = "利用者"
        constraints = [
            models.CheckConstraint(name="accounts_user_role_known", condition=models.Q(role__in=Role.values)),
            models.CheckConstraint(
                name="accounts_user_weekdays_known",
                condition=models.Q(allowed_weekdays__contained_by=[1, 2, 3, 4, 5, 6, 7]),
            ),
            models.CheckConstraint(
                name="accounts_user_hours_complete",
                condition=models.Q(allowed_from__isnull=True, allowed_until__isnull=True)
                | models.Q(allowed_from__isnull=False, allowed_until__isnull=False)
                & ~models.Q(allowed_from=models.F("allowed_until")),
            ),
        ]

    def get_full_name(self) -> str:
        """The name shown on screens and in the history: 姓 名, else the sign-in name."""
        return f"{self.last_name} {self.first_name}".strip() or self.username

    @property
    def is_office(self) -> bool:
        """Whether the person works in the office, in any role."""
        return self.is_active and self.role in OFFICE_ROLES

    @property
    def sees_business(self) -> bool:
        """Whether the person works on dispatches and payments in the office."""
        return self.is_active and self.role in OFFICE_BUSINESS_ROLES

    def may(self, act: str, table: "rights.Table" = "", fields: str = rights.BASIC) -> "rights.Answer":
        """Whether this person may do this act, with the reason when not: accounts.rights for those below accounts."""
        return rights.may(self, act, table, fields)

    def reach(self, act: str, table: "rights.Table" = "", fields: str = rights.BASIC) -> "rights.Reach":
        """How far the right goes: nowhere, own records, all, all but masked."""
        return rights.reach(self, act, table, fields)

    def hidden_fields(self, table: "rights.Table") -> frozenset[str]:
        """The fields of a table this person must not see."""
        return rights.hidden_fields(self, table)

    def masked_fields(self, table: "rights.Table") -> frozenset[str]:
        """The fields of a table of which this person sees the last digits only."""
        return rights.masked_fields(self, table)

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        """Nothing: rights come from the matrix alone, a superuser's flag gives none."""
        return False

    def has_module_perms(self, app_label: str) -> bool:
        """Nothing, for the same reason."""
        return False

    def set_password(self, raw_password: str | None) -> None:
        """Also notes when; passwords may have an age limit."""
        super().set_password(raw_password)
        self.password_set_at = clock.now() if raw_password is not None else None

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """What a session must still match at each request: it ends with the password, role and generation."""
        fixed = f"{self.password}|{self.role}|{self.session_generation}"
        return salted_hmac("accounts.User.session", fixed, secret=secret, algorithm="sha256").hexdigest()


class PasswordRecord(models.Model):
    """The hash of a password somebody had, so that it is not chosen again."""

    user = models.ForeignKey(User, models.PROTECT, related_name="password_records")
    password = models.CharField(max_length=128)
    set_at = models.DateTimeField(default=clock.now)

    class Meta:
        ordering = ["-pk"]
