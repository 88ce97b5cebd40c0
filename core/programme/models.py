"""Dated values: rule sets and code lists. What is paid follows the rule set in force on the day (rules.md §1)."""

import datetime as dt
from typing import Self

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.db import models

from core.database.fields import CodeField


class RuleSetQuerySet(models.QuerySet["RuleSet"]):
    def in_force(self, day: dt.date) -> Self:
        """The one rule set of that day, or none."""
        return self.filter(valid__contains=day)


class RuleSet(models.Model):
    """A dated set of amounts and readings. Half-open range of days; two never overlap (database constraint)."""

    code = CodeField("コード", max_length=32, unique=True)
    name = models.CharField("名称", max_length=100)
    valid = DateRangeField("有効期間")
    values = models.JSONField("値")
    created_at = models.DateTimeField("登録日時", auto_now_add=True)
    updated_at = models.DateTimeField("更新日時", auto_now=True)

    objects = RuleSetQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "支出基準"
        ordering = ["valid"]
        constraints = [
            ExclusionConstraint(
                name="programme_ruleset_no_overlap",
                expressions=[("valid", RangeOperators.OVERLAPS)],
                violation_error_message="有効期間がほかの支出基準と重なっています。",
            ),
            models.CheckConstraint(
                name="programme_ruleset_valid_not_empty",
                condition=models.Q(valid__isempty=False),
                violation_error_message="有効期間が空です。",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


class CodeItem(models.Model):
    """One value of a code list that changes with the years."""

    class List(models.TextChoices):
        TOPIC = "topic", "経営課題"
        WEB_REASON = "web_reason", "WEB支援の理由"
        RETURN_REASON = "return_reason", "差戻しの理由"
        ABSENCE_REASON = "absence", "同行しない理由"
        TRAVEL_REASON = "travel_reason", "旅費の認定の理由"
        INQUIRY_REASON = "inquiry_reason", "照会の内容"
        CORRECTION_REASON = "correction_reason", "訂正の理由"
        WAIVER_REASON = "waiver_reason", "保留の解除の理由"
        DECISION_REASON = "decision_reason", "事務局判断の理由"
        PLAN_REASON = "plan_reason", "日程変更の理由"
        CANCEL_REASON = "cancel_reason", "取消の理由"

    list = models.CharField("一覧", max_length=20, choices=List)
    name = models.CharField("値", max_length=100)
    position = models.PositiveIntegerField("並び順")
    valid = DateRangeField("有効期間")

    class Meta:
        verbose_name = verbose_name_plural = "コード一覧"
        ordering = ["list", "position"]
        constraints = [
            ExclusionConstraint(
                name="programme_codeitem_no_overlap",
                expressions=[
                    ("list", RangeOperators.EQUAL),
                    ("name", RangeOperators.EQUAL),
                    ("valid", RangeOperators.OVERLAPS),
                ],
                violation_error_message="同じ値の有効期間が重なっています。",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class DispatchTermsQuerySet(models.QuerySet["DispatchTerms"]):
    def in_force(self, day: dt.date) -> Self:
        """The one row of that day, or none."""
        return self.filter(valid__contains=day)


class DispatchTerms(models.Model):
    """Lead time and deadlines of the dispatches: what people keep to, not what is paid. Never two for one day."""

    name = models.CharField("名称", max_length=100)
    valid = DateRangeField("有効期間")
    lead_days = models.PositiveSmallIntegerField("申請から支援日までの最短日数", default=3)
    answer_days = models.PositiveSmallIntegerField("専門家の回答期限（日）", default=3)
    report_days = models.PositiveSmallIntegerField("支援後の報告期限（日）", default=7)
    attestation_days = models.PositiveSmallIntegerField("支援後の従事証明期限（日）", default=7)
    approval_days = models.PositiveSmallIntegerField("報告後の機関承認期限（日）", default=7)
    inquiry_days = models.PositiveSmallIntegerField("照会の回答期限（日）", default=7)
    link_days = models.PositiveSmallIntegerField("従事証明リンクの有効日数", default=30)
    clock_skew_seconds = models.PositiveIntegerField("端末時計のずれの許容（秒）", default=300)
    # 0: what is reminded of is never put to the office
    escalation_days = models.PositiveSmallIntegerField("督促から事務局へ知らせるまでの日数", default=7)
    # 0: no claim is looked at for its amount alone
    usual_claim_yen = models.PositiveIntegerField("旅費1行の請求額の目安（円）", default=30_000)
    # whether an expert must have accepted the appointment of the year to be applied for
    appointment_required = models.BooleanField("申請に就任承諾を要するか", default=False)
    created_at = models.DateTimeField("登録日時", auto_now_add=True)
    updated_at = models.DateTimeField("更新日時", auto_now=True)

    objects = DispatchTermsQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "派遣の期限"
        ordering = ["valid"]
        constraints = [
            ExclusionConstraint(
                name="programme_dispatchterms_no_overlap",
                expressions=[("valid", RangeOperators.OVERLAPS)],
                violation_error_message="有効期間がほかの期限と重なっています。",
            ),
        ]

    def __str__(self) -> str:
        return self.name
