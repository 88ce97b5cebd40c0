"""Registered experts (専門家)."""

from typing import TYPE_CHECKING, Any, Self

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models.functions import Cast, Cos, Now, Radians, Sin

from accounts.rights import Reach, reach
from core.database.fields import CodeField, EncryptedTextField, PlainDecimalField, sealed_only
from institutions.models import Institution
from rules import codes

if TYPE_CHECKING:
    from accounts.models import User


class ExpertQuerySet(models.QuerySet["Expert"]):
    def visible_to(self, user: "User") -> Self:
        """Everyone for the office and for institutions, who look for an expert there; oneself for an expert.

        Which fields of them a person may see is another question: `User.hidden_fields`.
        """
        match reach(user, "read", self.model):
            case Reach.ALL:
                return self.all()
            case Reach.OWN:
                return self.filter(user=user)
        return self.none()


def _on_unit_sphere(expression: Any, title: str) -> models.GeneratedField:
    """One coordinate of the base as a point of the unit sphere, made by the database: nearness is then a product."""
    return models.GeneratedField(
        expression=expression, output_field=models.FloatField(null=True), db_persist=True, verbose_name=title
    )


_LATITUDE = Radians(Cast("base_latitude", models.FloatField()))
_LONGITUDE = Radians(Cast("base_longitude", models.FloatField()))


class Expert(models.Model):
    """An expert, the payee of fees and travel."""

    code = CodeField("専門家コード", unique=True)
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="expert",
        verbose_name="利用者",
    )
    name = models.CharField("氏名", max_length=200)
    kana = models.CharField("氏名カナ", max_length=200, blank=True)
    prefecture_code = CodeField("都道府県コード", max_length=2)
    address = models.CharField("住所", max_length=500)
    phone = models.CharField("電話番号", max_length=50, blank=True)
    email = models.CharField("メールアドレス", max_length=254)
    recommended_by = models.ForeignKey(
        Institution, models.PROTECT, related_name="recommended_experts", verbose_name="推薦機関"
    )
    requirement = models.CharField("登録要件", max_length=10)
    qualifications = ArrayField(models.TextField(), verbose_name="保有資格", default=list, blank=True)
    topics = ArrayField(models.TextField(), verbose_name="専門分野", default=list, blank=True)
    industries = ArrayField(models.TextField(), verbose_name="得意業種", default=list, blank=True)
    base_latitude = PlainDecimalField("活動拠点緯度", null=True, blank=True)
    base_longitude = PlainDecimalField("活動拠点経度", null=True, blank=True)
    # as the expert gave them: what the bank master lacks is a finding, not an error
    bank_code = CodeField("銀行コード", max_length=20)
    branch_code = CodeField("支店コード", max_length=20)
    account_type = models.CharField("預金種目", max_length=2)
    account_number = EncryptedTextField("口座番号")
    account_holder_kana = EncryptedTextField("口座名義カナ")
    payee_class = models.CharField("源泉区分", max_length=10)
    invoice_number = CodeField("適格請求書番号", max_length=14, blank=True)
    affiliated_codes = ArrayField(models.TextField(), verbose_name="所属機関コード", default=list, blank=True)
    subsidised_labour = models.BooleanField("人件費補助", default=False)
    # the last day on which the expert may be dispatched; None: no end. In no exchange file
    valid_until = models.DateField("登録の有効期限", null=True, blank=True)
    ended_reason = models.CharField("登録終了の理由", max_length=200, blank=True, db_default="")
    # what a search finds: name, kana, then the rest, each folded (core.japan.folding); made by the database itself
    search_text = models.GeneratedField(
        expression=models.Func(
            "name", "kana", "code", "qualifications", "topics", function="experts_search_text"
        ),
        output_field=models.TextField(),
        db_persist=True,
        verbose_name="検索用",
    )
    base_x = _on_unit_sphere(Cos(_LATITUDE) * Cos(_LONGITUDE), "活動拠点x")
    base_y = _on_unit_sphere(Cos(_LATITUDE) * Sin(_LONGITUDE), "活動拠点y")
    base_z = _on_unit_sphere(Sin(_LATITUDE), "活動拠点z")
    created_at = models.DateTimeField("登録日時", auto_now_add=True, db_default=Now())
    updated_at = models.DateTimeField("更新日時", auto_now=True, db_default=Now())

    objects = ExpertQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "専門家"
        ordering = ["code"]
        indexes = [
            GinIndex(fields=["search_text"], name="experts_search_text", opclasses=["gin_trgm_ops"]),
        ]
        constraints = [
            models.CheckConstraint(
                name="experts_payee_class_known",
                condition=models.Q(payee_class__in=list(codes.PAYEE_CLASSES)),
            ),
            sealed_only("experts_expert", "account_number", "account_holder_kana"),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


class MergeQuerySet(models.QuerySet["Merge"]):
    def visible_to(self, user: "User") -> Self:
        """Everything for those of the office who see experts."""
        return self.all() if reach(user, "read", self.model) is Reach.ALL else self.none()


class Merge(models.Model):
    """Two entries of the register were one person: which goes on, which ended. Added, never changed."""

    # at most once: a double that is merged stays merged
    double = models.OneToOneField(
        Expert, models.PROTECT, related_name="merged", verbose_name="統合されて終わった登録"
    )
    kept = models.ForeignKey(Expert, models.PROTECT, related_name="merges", verbose_name="続く登録")
    # names of the choices whose value came from the double
    taken = models.JSONField("統合元から取った項目", default=list, blank=True)
    reason = models.CharField("理由", max_length=200)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="統合した人"
    )
    at = models.DateTimeField("統合日時", db_default=Now())

    objects = MergeQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "専門家の登録の統合"
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(name="experts_merge_two", condition=~models.Q(double=models.F("kept"))),
            models.CheckConstraint(name="experts_merge_why", condition=~models.Q(reason="")),
        ]

    def __str__(self) -> str:
        return f"{self.double_id} → {self.kept_id}"
