"""不正の兆候: what the nightly look over all dispatches found worth a person's look (C13). Never a refusal."""

from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, DateRangeField, RangeOperators
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q

from accounts.rights import Reach, reach
from core.database.fields import CodeField
from experts.models import Expert
from institutions.models import Institution

from .dispatches import CheckEvent, Company, Dispatch

if TYPE_CHECKING:
    from accounts.models import User


class SignalQuerySet(models.QuerySet["ReviewSignal"]):
    def visible_to(self, user: "User") -> Self:
        """Everything for those of the office whom the matrix names, nothing for others."""
        return self.all() if reach(user, "read", self.model) is Reach.ALL else self.none()

    def waiting(self) -> Self:
        """Those nobody has decided about and that still stand."""
        return self.filter(decision="", ended_at=None)


class ReviewSignal(models.Model):
    """One suspicion about dispatches, with its facts. Decided by a person, it comes back only with other facts."""

    class Decision(models.TextChoices):
        NO_CONCERN = "no_concern", "問題なし"
        WATCH = "watch", "経過を見る"
        ESCALATE = "escalate", "調査・報告する"

    # a code of dispatch.signals_found; what a kind is called, its own module says
    kind = models.CharField("種類", max_length=30)
    # what it is about, the same every night: numbers of dispatches, codes of people
    key = CodeField("対象", max_length=200)
    dispatch_ids = ArrayField(models.BigIntegerField(), verbose_name="派遣", default=list)
    expert = models.ForeignKey(
        Expert, models.PROTECT, null=True, related_name="review_signals", verbose_name="専門家"
    )
    institution = models.ForeignKey(
        Institution, models.PROTECT, null=True, related_name="review_signals", verbose_name="機関"
    )
    company = models.ForeignKey(
        Company, models.PROTECT, null=True, related_name="review_signals", verbose_name="支援先"
    )
    score = models.PositiveSmallIntegerField("強さ")
    facts = models.JSONField("事実", default=dict)
    facts_mark = models.CharField("事実の指紋", max_length=64)
    first_seen_at = models.DateTimeField("検出日時")
    last_seen_at = models.DateTimeField("最後に検出した日時")
    # no longer found
    ended_at = models.DateTimeField("検出されなくなった日時", null=True)
    decision = models.CharField("判断", max_length=10, choices=Decision, blank=True, default="")
    decision_reason = models.TextField("判断の理由", blank=True, default="")
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name="判断者"
    )
    decided_at = models.DateTimeField("判断日時", null=True)

    objects = SignalQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "不正の兆候"
        ordering = ["-score", "first_seen_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["kind", "key"], name="dispatch_signal_unique"),
            models.CheckConstraint(
                name="dispatch_signal_decided_whole",
                condition=Q(decision="", decided_at=None, decided_by=None)
                | (Q(decided_at__isnull=False, decided_by__isnull=False) & ~Q(decision_reason="")),
            ),
        ]
        indexes = [
            models.Index(
                fields=["-score", "first_seen_at"],
                name="dispatch_signal_waiting",
                condition=Q(decision="", ended_at=None),
            ),
            GinIndex(fields=["dispatch_ids"], name="dispatch_signal_dispatches"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"


class OfSignalQuerySet(models.QuerySet["SignalDecision"]):
    def visible_to(self, user: "User") -> Self:
        """Everything for those of the office whom the matrix names, nothing for others."""
        return self.all() if reach(user, "read", self.model) is Reach.ALL else self.none()


class SignalDecision(models.Model):
    """What somebody decided about a signal, and the facts as they were then. Added, never changed."""

    signal = models.ForeignKey(
        ReviewSignal, models.PROTECT, related_name="decisions", verbose_name="不正の兆候"
    )
    decision = models.CharField("判断", max_length=10, choices=ReviewSignal.Decision)
    reason = models.TextField("理由")
    facts = models.JSONField("判断したときの事実")
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="判断者"
    )
    decided_at = models.DateTimeField("判断日時")

    objects = OfSignalQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "兆候についての判断"
        ordering = ["signal", "id"]

    def __str__(self) -> str:
        return f"{self.signal} {self.get_decision_display()}"


class SignalTerms(models.Model):
    """From what on something is suspicious: dated values. Never two for one day."""

    name = models.CharField("名称", max_length=100)
    valid = DateRangeField("有効期間")
    # fields of dispatch.signals_found.thresholds.Thresholds; what is missing is as there
    values = models.JSONField("値", default=dict)
    created_at = models.DateTimeField("登録日時", auto_now_add=True)

    class Meta:
        verbose_name = verbose_name_plural = "不正の兆候の基準"
        ordering = ["valid"]
        constraints = [
            ExclusionConstraint(
                name="dispatch_signalterms_no_overlap",
                expressions=[("valid", RangeOperators.OVERLAPS)],
                violation_error_message="有効期間がほかの基準と重なっています。",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class ReportSketch(models.Model):
    """A report's fingerprint, so that copies are found without comparing every text with every other."""

    dispatch = models.OneToOneField(
        Dispatch, models.CASCADE, primary_key=True, related_name="report_sketch", verbose_name="派遣"
    )
    # which text it was made of, so that it is made anew only when the text changed
    source = models.CharField("本文の指紋", max_length=32)
    # the text without blanks and numbers: equal ones are copies
    text_mark = models.CharField("整えた本文の指紋", max_length=32)
    sketch = ArrayField(models.BigIntegerField(), verbose_name="部分の指紋", default=list)

    class Meta:
        verbose_name = verbose_name_plural = "報告の指紋"
        indexes = [models.Index(fields=["text_mark"], name="dispatch_sketch_text")]

    def __str__(self) -> str:
        return str(self.dispatch_id)


class SignatureSketch(models.Model):
    """A signature's fingerprint: the same strokes have the same mark, similar ones a similar shape."""

    event = models.OneToOneField(
        CheckEvent, models.CASCADE, primary_key=True, related_name="signature_sketch", verbose_name="記録"
    )
    strokes_mark = models.CharField("筆跡の指紋", max_length=64)
    # points along the strokes within their frame, 0..255; empty where there is too little of it
    shape = ArrayField(models.SmallIntegerField(), verbose_name="形", default=list)

    class Meta:
        verbose_name = verbose_name_plural = "署名の指紋"
        indexes = [models.Index(fields=["strokes_mark"], name="dispatch_signature_mark")]

    def __str__(self) -> str:
        return str(self.event_id)
