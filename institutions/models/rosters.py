"""The agency's rosters: a file as it came, its difference to the register, and what became of each line (B2)."""

from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from accounts.rights import Reach, reach
from core.database.fields import CodeField

from .bodies import Institution

if TYPE_CHECKING:
    from accounts.models import User


class RosterQuerySet(models.QuerySet["Roster"]):
    def visible_to(self, user: "User") -> Self:
        """Everything for the office, nothing for others."""
        return self.all() if reach(user, "read", self.model) is Reach.ALL else self.none()


class RosterLineQuerySet(models.QuerySet["RosterLine"]):
    def visible_to(self, user: "User") -> Self:
        """Everything for the office, nothing for others."""
        return self.all() if reach(user, "read", self.model) is Reach.ALL else self.none()


class Roster(models.Model):
    """構成機関名簿 or 変更届出書: one file of the agency, a draft until it is applied or dropped."""

    class Kind(models.TextChoices):
        """What the absence of an institution means, and so which are gone."""

        PLATFORMS = "platforms", "構成機関名簿（名簿にある地域プラットフォームの全機関）"
        NATION = "nation", "構成機関名簿（全国の地域プラットフォームの全機関）"
        NOTICE = "notice", "変更届出書（変更する機関だけ）"

    class State(models.TextChoices):
        DRAFT = "draft", "確認中"
        APPLIED = "applied", "反映済"
        DROPPED = "dropped", "取り下げ"

    kind = models.CharField("種類", max_length=10, choices=Kind)
    file_name = models.CharField("ファイル名", max_length=200)
    sha256 = models.CharField("SHA-256", max_length=64)
    # the form's key: sent twice, it is one roster
    key = CodeField("送信キー", unique=True)
    effective_on = models.DateField("適用日")
    state = models.CharField("状態", max_length=8, choices=State, default=State.DRAFT)
    # grows with each choice of lines, so that a page knows whether it is the newest
    version = models.PositiveIntegerField("版", default=1)
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="読み込んだ人"
    )
    uploaded_at = models.DateTimeField("読み込み日時", db_default=Now())
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="終えた人",
    )
    ended_at = models.DateTimeField("終えた日時", null=True, blank=True)

    objects = RosterQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "構成機関名簿"
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                name="institutions_roster_state_known",
                condition=models.Q(state__in=["draft", "applied", "dropped"]),
            ),
            models.CheckConstraint(
                name="institutions_roster_kind_known",
                condition=models.Q(kind__in=["platforms", "nation", "notice"]),
            ),
            models.CheckConstraint(
                name="institutions_roster_ended_by_somebody",
                condition=models.Q(state="draft", ended_at=None, ended_by=None)
                | (~models.Q(state="draft") & models.Q(ended_at__isnull=False, ended_by__isnull=False)),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.pk} {self.file_name}"


class RosterLine(models.Model):
    """One line of a roster, or one institution that the roster no longer has (line 0)."""

    class Outcome(models.TextChoices):
        NEW = "new", "新規"
        CHANGED = "changed", "変更"
        GONE = "gone", "名簿にない"
        UNCHANGED = "unchanged", "変更なし"
        BAD = "bad", "誤り"

    roster = models.ForeignKey(Roster, models.PROTECT, related_name="lines", verbose_name="名簿")
    line = models.PositiveIntegerField("行")
    code = CodeField("機関コード", blank=True)
    name = models.CharField("機関名", max_length=200, blank=True)
    outcome = models.CharField("区分", max_length=9, choices=Outcome)
    # column of institutions.csv → text: what the file says, and the whole entry as it stood when it was compared
    values = models.JSONField("名簿の値", default=dict)
    before = models.JSONField("登録の値", default=dict)
    # of a bad line: list of column, value, reason
    faults = models.JSONField("誤り", default=list)
    # what is worth a look and stops nothing: list of texts
    notes = models.JSONField("注意", default=list)
    chief_name = models.CharField("責任者氏名", max_length=150, blank=True)
    chief_email = models.CharField("責任者メールアドレス", max_length=254, blank=True)
    accepted = models.BooleanField("採用", default=False)
    institution = models.ForeignKey(
        Institution,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="roster_lines",
        verbose_name="反映した機関",
    )

    objects = RosterLineQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "構成機関名簿の行"
        ordering = ["roster", "line", "code"]
        constraints = [
            models.CheckConstraint(
                name="institutions_rosterline_outcome_known",
                condition=models.Q(outcome__in=["new", "changed", "gone", "unchanged", "bad"]),
            ),
            models.CheckConstraint(
                name="institutions_rosterline_bad_never_accepted",
                condition=models.Q(accepted=False) | models.Q(outcome__in=["new", "changed", "gone"]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.roster_id}-{self.line} {self.code}"
