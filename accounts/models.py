"""People who sign in, and what each may do (design.md §8)."""

from django.contrib.auth.models import AbstractUser
from django.db import models


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


class User(AbstractUser):
    """A person with one role. Experts and institution staff are tied to their record in those apps."""

    role = models.CharField("役割", max_length=20, choices=Role)

    class Meta(AbstractUser.Meta):
        verbose_name = verbose_name_plural = "利用者"
        constraints = [
            models.CheckConstraint(name="accounts_user_role_known", condition=models.Q(role__in=Role.values)),
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
