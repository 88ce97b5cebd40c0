"""Support institutions that apply for dispatches (spec 002 §1 注2)."""

from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from accounts.rights import Reach, reach
from core.database.fields import CodeField
from rules import codes

if TYPE_CHECKING:
    from accounts.models import User


class InstitutionQuerySet(models.QuerySet["Institution"]):
    def visible_to(self, user: "User") -> Self:
        """Everything for the office; its own for an institution's people."""
        match reach(user, "read", self.model):
            case Reach.ALL:
                return self.all()
            case Reach.OWN:
                return self.filter(members__user=user)
        return self.none()


class MemberQuerySet(models.QuerySet["Member"]):
    def visible_to(self, user: "User") -> Self:
        """Everybody for the office's administrators; the people of one's own institution for its people."""
        match reach(user, "read", self.model):
            case Reach.ALL:
                return self.all()
            case Reach.OWN:
                return self.filter(institution__members__user=user)
        return self.none()


class Institution(models.Model):
    """派遣可能機関: a yorozu base, a platform's representative or member, or another eligible body."""

    code = CodeField("機関コード", unique=True)
    name = models.CharField("機関名", max_length=200)
    kind = models.CharField("機関区分", max_length=30)
    prefecture_code = CodeField("都道府県コード", max_length=2)
    address = models.CharField("所在地", max_length=500, blank=True)
    phone = models.CharField("電話番号", max_length=50, blank=True)
    email = models.CharField("メールアドレス", max_length=254, blank=True)
    certification_number = models.CharField("認定支援機関番号", max_length=64, blank=True)
    certified_until = models.DateField("認定有効期限", null=True, blank=True)
    platform_code = CodeField("地域PFコード", blank=True)
    platform_name = models.CharField("地域PF名", max_length=200, blank=True)
    platform_role = models.CharField("地域PF役割", max_length=10, blank=True)
    # the last day on which it may apply; None: no end. Set when the agency's roster no longer has it; in no exchange file
    valid_until = models.DateField("有効期限", null=True, blank=True)
    created_at = models.DateTimeField("登録日時", auto_now_add=True, db_default=Now())
    updated_at = models.DateTimeField("更新日時", auto_now=True, db_default=Now())

    objects = InstitutionQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "派遣可能機関"
        ordering = ["code"]
        constraints = [
            models.CheckConstraint(
                name="institutions_kind_known", condition=models.Q(kind__in=list(codes.INSTITUTION_KINDS))
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


class Member(models.Model):
    """A person of an institution."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.PROTECT, related_name="institution_member")
    institution = models.ForeignKey(Institution, models.PROTECT, related_name="members")

    objects = MemberQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "機関の利用者"

    def __str__(self) -> str:
        return f"{self.institution} {self.user}"
