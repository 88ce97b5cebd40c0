"""A registration from the recommendation to the expert (spec 002 §3(1)2)①, requirements A1–A4)."""

import json
import uuid
from typing import TYPE_CHECKING, Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from accounts.rights import Reach, reach
from core import clock
from core.database.fields import CodeField, EncryptedTextField, sealed_only
from experts.models import Expert
from institutions.models import Institution, Member

from ..states import ENTERING, State

if TYPE_CHECKING:
    from accounts.models import User


class RegistrationQuerySet(models.QuerySet["Registration"]):
    def visible_to(self, user: "User") -> Self:
        """Everything for those of the office who register experts; its own for an institution's people."""
        match reach(user, "read", self.model):
            case Reach.ALL:
                return self.all()
            case Reach.OWN:
                own = Member.objects.filter(user=user).values("institution")
                return self.filter(institution__in=own)
        return self.none()


class OfRegistrationQuerySet(models.QuerySet[Any]):
    """Rows that belong to a registration and are seen with it."""

    def visible_to(self, user: "User") -> Self:
        """Everything for the office; those of own registrations for an institution's people."""
        match reach(user, "read", self.model):
            case Reach.ALL:
                return self.all()
            case Reach.OWN:
                return self.filter(registration__in=Registration.objects.visible_to(user))
        return self.none()


class Registration(models.Model):
    """One person's way into the register: recommended by an institution after an interview."""

    class Manner(models.TextChoices):
        """How the interview was held."""

        VISITED_US = "来所", "来所"
        WE_VISITED = "訪問", "訪問"
        WEB = "WEB", "WEB"
        PHONE = "電話", "電話"

    class Side(models.TextChoices):
        """Who checks, and sends back."""

        INSTITUTION = "institution", "機関"
        OFFICE = "office", "事務局"

    uuid = models.UUIDField("番号（URL）", default=uuid.uuid4, unique=True, editable=False)
    number = CodeField("登録番号", max_length=20, unique=True)
    institution = models.ForeignKey(
        Institution, models.PROTECT, related_name="registrations", verbose_name="推薦機関"
    )
    recommended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="推薦者"
    )
    # made by the form, so that pressing twice recommends once
    key = CodeField("送信キー", max_length=64)
    candidate_name = models.CharField("候補者の氏名", max_length=200)
    candidate_email = models.CharField("候補者のメールアドレス", max_length=254)
    candidate_phone = models.CharField("候補者の電話番号", max_length=50, blank=True)
    interview_on = models.DateField("面談日")
    interview_manner = models.CharField("面談の方法", max_length=4, choices=Manner)
    interviewer = models.CharField("面談した人", max_length=200)
    interview_notes = models.TextField("面談の記録")
    recommendation = models.TextField("推薦の理由")
    # SHA-256 of the link's token, which is known when it is made and never again; empty: there is no link
    token_hash = CodeField("リンクのハッシュ", max_length=64, blank=True)
    invited_at = models.DateTimeField("案内日時")
    expires_at = models.DateTimeField("リンクの期限")
    state = models.CharField("状態", max_length=12, choices=State, default=State.INVITED)
    state_since = models.DateTimeField("状態の開始日時")
    # from the last submission, for lists; before it the candidate's name counts
    name = models.CharField("氏名", max_length=200, blank=True)
    kana = models.CharField("氏名カナ", max_length=200, blank=True)
    requirement = models.CharField("登録要件", max_length=10, blank=True)
    submitted_at = models.DateTimeField("提出日時", null=True, blank=True)
    # who sent it back last, so that the answer goes there
    returned_side = models.CharField("差戻し元", max_length=12, choices=Side, blank=True)
    # the criteria the institution confirmed, as they were worded
    confirmed_criteria = models.JSONField("確認した登録基準", default=list, blank=True)
    checked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="機関の確認者",
    )
    checked_at = models.DateTimeField("機関の確認日時", null=True, blank=True)
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="承認者",
    )
    approved_at = models.DateTimeField("承認日時", null=True, blank=True)
    expert = models.OneToOneField(
        Expert,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="registration",
        verbose_name="登録した専門家",
    )
    closed_reason = models.TextField("取下げの理由", blank=True)
    created_at = models.DateTimeField("推薦日時", auto_now_add=True, db_default=Now())
    updated_at = models.DateTimeField("更新日時", auto_now=True, db_default=Now())

    objects = RegistrationQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "専門家の登録手続き"
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["institution", "state", "-id"], name="registration_of_institution"),
            models.Index(fields=["state", "state_since"], name="registration_state"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["institution", "key"], name="registration_once"),
            models.UniqueConstraint(
                fields=["token_hash"], name="registration_token", condition=~Q(token_hash="")
            ),
            models.CheckConstraint(name="registration_has_key", condition=~Q(key="")),
            models.CheckConstraint(name="registration_state_known", condition=Q(state__in=State.values)),
            models.CheckConstraint(
                name="registration_approved_whole",
                condition=Q(state="approved", expert__isnull=False, approved_at__isnull=False)
                & Q(approved_by__isnull=False, token_hash="")
                | ~Q(state="approved") & Q(expert=None, approved_at=None, approved_by=None),
            ),
            models.CheckConstraint(
                name="registration_withdrawn_why",
                condition=~Q(state="withdrawn") | ~Q(closed_reason="") & Q(token_hash=""),
            ),
            models.CheckConstraint(
                name="registration_checked_whole",
                condition=Q(checked_by=None, checked_at=None)
                | Q(checked_by__isnull=False, checked_at__isnull=False),
            ),
            # nobody comes to the office without the institution's word
            models.CheckConstraint(
                name="registration_office_after_check",
                condition=~Q(state__in=["office", "approved"]) | Q(checked_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.display_name}"

    @property
    def display_name(self) -> str:
        """The person's name as entered, else as recommended."""
        return self.name or self.candidate_name

    @property
    def is_entering(self) -> bool:
        """Whether it is the person's turn, be the link alive or not."""
        return self.state in ENTERING

    @property
    def is_expired(self) -> bool:
        """Whether the person's link has run out while something is to be entered."""
        return self.is_entering and (self.expires_at <= clock.now() or not self.token_hash)

    @property
    def can_enter(self) -> bool:
        """Whether the person may type and submit now."""
        return self.is_entering and not self.is_expired

    @property
    def entry(self) -> dict[str, Any]:
        """What was typed so far, as the form's fields; {} before anything was."""
        typed = getattr(self, "typed", None)
        return typed.fields if typed is not None else {}

    @property
    def entry_revision(self) -> int:
        """Which version of the entry that is; 0 before anything was typed."""
        typed = getattr(self, "typed", None)
        return typed.revision if typed is not None else 0

    @property
    def agreement_subject(self) -> str:
        """How agreements to texts name this registration (core.agreements)."""
        return f"registration:{self.pk}"


def _fields(content: str) -> dict[str, Any]:
    found = json.loads(content) if content else {}
    return found if isinstance(found, dict) else {}


class Entry(models.Model):
    """What the person has typed at any time. Apart from the registration: saved with every few strokes, so not in the
    history, which gets each submission instead."""

    registration = models.OneToOneField(Registration, models.PROTECT, related_name="typed")
    content = EncryptedTextField("入力内容")
    revision = models.PositiveIntegerField("版", default=1)
    saved_at = models.DateTimeField("保存日時", auto_now=True, db_default=Now())

    objects = OfRegistrationQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "登録の入力内容"
        constraints = [sealed_only("registration_entry", "content")]

    def __str__(self) -> str:
        return f"{self.registration} {self.revision}"

    @property
    def fields(self) -> dict[str, Any]:
        """Field → value, as typed."""
        return _fields(self.content)


class Submission(models.Model):
    """The whole entry as it was submitted. Added, never changed."""

    registration = models.ForeignKey(Registration, models.PROTECT, related_name="submissions")
    round = models.PositiveIntegerField("回")
    content = EncryptedTextField("提出内容")
    # uuids of the certificates that stood there
    certificates = models.JSONField("証明書", default=list)
    at = models.DateTimeField("提出日時")
    address = models.GenericIPAddressField("接続元", null=True)
    user_agent = models.CharField("ブラウザ", max_length=200, blank=True)

    objects = OfRegistrationQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "登録の提出"
        ordering = ["registration", "round"]
        constraints = [
            models.UniqueConstraint(fields=["registration", "round"], name="registration_submission_round"),
            sealed_only("registration_submission", "content"),
        ]

    def __str__(self) -> str:
        return f"{self.registration} 第{self.round}回"

    @property
    def fields(self) -> dict[str, Any]:
        """Field → value, as submitted."""
        return _fields(self.content)


class FieldReturn(models.Model):
    """One field (or kind of certificate) that was sent back to the person, and why."""

    registration = models.ForeignKey(Registration, models.PROTECT, related_name="returns")
    # of the submission that was looked at
    round = models.PositiveIntegerField("回")
    field = CodeField("項目", max_length=60)
    reason_code = CodeField("理由の種類", max_length=30, blank=True)
    reason = models.TextField("理由")
    side = models.CharField("差戻し元", max_length=12, choices=Registration.Side)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="差し戻した人"
    )
    at = models.DateTimeField("差戻し日時")
    answered_at = models.DateTimeField("修正の提出日時", null=True, blank=True)

    objects = OfRegistrationQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "登録の差戻し"
        ordering = ["registration", "round", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["registration", "round", "field", "side"], name="registration_return_once"
            ),
            models.CheckConstraint(name="registration_return_says_why", condition=~Q(reason="")),
        ]

    def __str__(self) -> str:
        return f"{self.registration} {self.field}"

    @property
    def title(self) -> str:
        """What the field is called."""
        from ..fields import title_of

        return title_of(self.field)
