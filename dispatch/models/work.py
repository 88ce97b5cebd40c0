"""What people add to a dispatch on its way: application, requests, attestation, inquiries, corrections, waivers."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from core.database.fields import CodeField

from .cases import Case
from .dispatches import Dispatch, OfDispatchQuerySet


class DispatchApplication(models.Model):
    """派遣申請: what the institution answered when it applied. A dispatch that came with a file has none."""

    dispatch = models.OneToOneField(Dispatch, models.PROTECT, related_name="application", verbose_name="派遣")
    case = models.ForeignKey(Case, models.PROTECT, related_name="applications", verbose_name="支援案件")
    # made by the form, so that a double click applies once
    key = CodeField("申請キー", max_length=64, unique=True)
    subsidised_labour = models.BooleanField("人件費補助の回答")
    paid_by_institution = models.BooleanField("機関からの給与謝金の回答")
    member_of_institution = models.BooleanField("所属専門家の回答")
    requested_by_expert = models.BooleanField("専門家からの要請の回答")
    applied_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name="申請者"
    )
    applied_at = models.DateTimeField("申請日時")

    objects = OfDispatchQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "派遣申請"
        ordering = ["-applied_at"]

    def __str__(self) -> str:
        return f"{self.dispatch} {self.case}"


class ApprovalRequest(models.Model):
    """What the office is asked to allow for a dispatch before it takes place (C3, C6)."""

    class Kind(models.TextChoices):
        WEB = "web", "WEB支援の事前承認"
        LIMIT = "limit", "派遣回数の上限例外"
        LEAD = "lead", "申請期限の例外"

    dispatch = models.ForeignKey(
        Dispatch, models.PROTECT, related_name="approval_requests", verbose_name="派遣"
    )
    kind = models.CharField("種類", max_length=5, choices=Kind)
    reason = models.TextField("理由")
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name="申請者"
    )
    asked_at = models.DateTimeField("申請日時")
    approved = models.BooleanField("承認", null=True)
    decision_reason = models.TextField("判断の理由", blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name="判断者"
    )
    decided_at = models.DateTimeField("判断日時", null=True)

    objects = OfDispatchQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "例外承認の申請"
        ordering = ["asked_at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["dispatch", "kind"], name="dispatch_request_one_open", condition=Q(decided_at=None)
            ),
            models.CheckConstraint(
                name="dispatch_request_decided_whole",
                condition=Q(decided_at=None, approved=None)
                | (Q(decided_at__isnull=False, approved__isnull=False) & ~Q(decision_reason="")),
            ),
        ]
        indexes = [
            models.Index(fields=["asked_at"], name="dispatch_request_open", condition=Q(decided_at=None))
        ]

    def __str__(self) -> str:
        return f"{self.dispatch} {self.get_kind_display()}"


class AttestationLink(models.Model):
    """A one-time link by which the client attests. Only a hash of its token is kept."""

    class Channel(models.TextChoices):
        MAIL = "mail", "メール"
        QR = "qr", "専門家の端末のQRコード"

    dispatch = models.ForeignKey(
        Dispatch, models.PROTECT, related_name="attestation_links", verbose_name="派遣"
    )
    token_hash = CodeField("トークンのハッシュ", max_length=64, unique=True)
    channel = models.CharField("経路", max_length=4, choices=Channel)
    sent_to = models.CharField("送信先", max_length=254, blank=True)
    mail_key = CodeField("メールの業務キー", max_length=200, blank=True)
    issued_at = models.DateTimeField("発行日時")
    expires_at = models.DateTimeField("有効期限")
    # used, or replaced because the visit's facts changed
    ended_at = models.DateTimeField("失効日時", null=True)

    objects = OfDispatchQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "従事証明の依頼"
        ordering = ["-issued_at", "-id"]

    def __str__(self) -> str:
        return f"{self.dispatch} {self.get_channel_display()}"


class Attestation(models.Model):
    """従事証明: the client's answer, and what was shown to the client. Added, never changed."""

    dispatch = models.ForeignKey(Dispatch, models.PROTECT, related_name="attestations", verbose_name="派遣")
    link = models.OneToOneField(
        AttestationLink, models.PROTECT, related_name="attestation", verbose_name="依頼"
    )
    confirmed = models.BooleanField("相違なし")
    name = models.CharField("回答者", max_length=200)
    comment = models.TextField("コメント", blank=True)
    shown_from = models.DateTimeField("示した実施開始")
    shown_to = models.DateTimeField("示した実施終了")
    answered_at = models.DateTimeField("回答日時")

    objects = OfDispatchQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "従事証明"
        ordering = ["answered_at", "id"]
        constraints = [
            models.CheckConstraint(
                name="dispatch_attestation_objection_says_why",
                condition=Q(confirmed=True) | ~Q(comment=""),
            )
        ]

    def __str__(self) -> str:
        return f"{self.dispatch} {'相違なし' if self.confirmed else '相違あり'}"


class Inquiry(models.Model):
    """照会: a question of the office about a dispatch, and its answer."""

    class AskedOf(models.TextChoices):
        INSTITUTION = "institution", "機関"
        EXPERT = "expert", "専門家"

    dispatch = models.ForeignKey(Dispatch, models.PROTECT, related_name="inquiries", verbose_name="派遣")
    asked_of = models.CharField("照会先", max_length=11, choices=AskedOf)
    finding_code = CodeField("確認事項", max_length=3, blank=True)
    question = models.TextField("照会内容")
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="照会者"
    )
    asked_at = models.DateTimeField("照会日時")
    due_on = models.DateField("回答期限")
    answer = models.TextField("回答", blank=True)
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name="回答者"
    )
    answered_at = models.DateTimeField("回答日時", null=True)

    objects = OfDispatchQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "照会"
        ordering = ["asked_at", "id"]
        indexes = [
            models.Index(fields=["due_on"], name="dispatch_inquiry_open", condition=Q(answered_at=None))
        ]

    def __str__(self) -> str:
        return f"{self.dispatch} {self.get_asked_of_display()}への照会"


class Correction(models.Model):
    """A value the office corrected: as received, as corrected, who and why. Added, never changed."""

    dispatch = models.ForeignKey(Dispatch, models.PROTECT, related_name="corrections", verbose_name="派遣")
    file = models.CharField("ファイル", max_length=30)
    # 行番号 or 事由, where the file has several rows of a dispatch
    row_key = models.CharField("行", max_length=30, blank=True)
    column = models.CharField("項目", max_length=30)
    received = models.TextField("受け取った値", blank=True)
    corrected = models.TextField("訂正した値", blank=True)
    reason = models.TextField("理由")
    corrected_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name="訂正者"
    )
    corrected_at = models.DateTimeField("訂正日時")

    objects = OfDispatchQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "訂正"
        ordering = ["corrected_at", "id"]

    def __str__(self) -> str:
        return f"{self.dispatch} {self.column}"


class Waiver(models.Model):
    """A 保留 that an approver waived: the calculation leaves it out (rules.md §5)."""

    dispatch = models.ForeignKey(Dispatch, models.PROTECT, related_name="waivers", verbose_name="派遣")
    code = CodeField("コード", max_length=3)
    reason = models.TextField("理由")
    waived_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="承認者"
    )
    waived_at = models.DateTimeField("日時")
    revoked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name="取り消した人"
    )
    revoked_at = models.DateTimeField("取消日時", null=True)
    revoke_reason = models.TextField("取消の理由", blank=True)

    objects = OfDispatchQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "保留の解除"
        ordering = ["dispatch", "code", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["dispatch", "code"], name="dispatch_waiver_one_in_force", condition=Q(revoked_at=None)
            ),
            models.CheckConstraint(name="dispatch_waiver_says_why", condition=~Q(reason="")),
        ]

    def __str__(self) -> str:
        return f"{self.dispatch} {self.code}"


class Reminder(models.Model):
    """A step that was overdue and of which its person was reminded: once per step."""

    dispatch = models.ForeignKey(Dispatch, models.PROTECT, related_name="reminders", verbose_name="派遣")
    step = models.CharField("手続き", max_length=20)
    # the moment from which the time ran: a step begun anew is reminded of anew
    since = models.DateTimeField("起算")
    due_on = models.DateField("期限")
    sent_at = models.DateTimeField("送信日時", db_default=Now())

    objects = OfDispatchQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "督促"
        ordering = ["sent_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["dispatch", "step", "since"], name="dispatch_reminder_once")
        ]

    def __str__(self) -> str:
        return f"{self.dispatch} {self.step}"
