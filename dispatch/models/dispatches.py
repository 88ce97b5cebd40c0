"""Clients, dispatches and the evidence of each visit."""

from typing import TYPE_CHECKING, Any, Self

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models.functions import Now, Upper

from accounts.models import Role
from accounts.rights import Reach, reach
from core.database.fields import CodeField, PlainDecimalField
from experts.models import Expert
from institutions.models import Institution, Member
from rules import codes

if TYPE_CHECKING:
    from accounts.models import User


class Status(models.TextChoices):
    """Where a dispatch stands (design.md §4). Changes go through dispatch/transitions.py only."""

    DRAFT = "draft", "下書き"
    APPLIED = "applied", "申請済"
    ACCEPTED = "accepted", "承諾済"
    CONFIRMED = "confirmed", "受付済"
    VISITED = "visited", "支援終了"
    REPORTED = "reported", "報告済"
    APPROVED = "approved", "機関承認済"
    VERIFIED = "verified", "確認済"
    SCHEDULED = "scheduled", "支払予定"
    PAID = "paid", "支払済"
    DECLINED = "declined", "辞退"
    CANCELLED = "cancelled", "取消"
    INELIGIBLE = "ineligible", "対象外"


class VisitBasis(models.TextChoices):
    """Where the times of a visit come from; empty for what was loaded."""

    EVENTS = "events", "チェックイン・アウト"
    REPORT = "report", "専門家の報告"


class CompanyQuerySet(models.QuerySet["Company"]):
    def visible_to(self, user: "User") -> Self:
        """Everything for those of the office who work on dispatches; for others the clients they have to do with.

        An institution: those it registered, has a case or a dispatch of; an expert: those of own dispatches.
        """
        match reach(user, "read", self.model):
            case Reach.ALL:
                return self.all()
            case Reach.OWN:
                own = Member.objects.filter(user=user).values("institution")
                dispatches = Dispatch.objects.visible_to(user).values("company")
                return self.filter(
                    models.Q(registered_by__in=own)
                    | models.Q(pk__in=dispatches)
                    | models.Q(cases__institution__in=own)
                ).distinct()
        return self.none()


class Company(models.Model):
    """支援先: the firm that is helped."""

    code = CodeField("企業コード", unique=True)
    name = models.CharField("企業名", max_length=200)
    corporate_number = CodeField("法人番号", max_length=13, blank=True)
    prefecture_code = CodeField("都道府県コード", max_length=2)
    address = models.CharField("所在地", max_length=500)
    phone = models.CharField("電話番号", max_length=50, blank=True)
    email = models.CharField("メールアドレス", max_length=254, blank=True)
    industry = CodeField("業種コード", max_length=1)
    employees = models.BigIntegerField("従業員数")
    capital = models.BigIntegerField("資本金", null=True, blank=True)
    kind = models.CharField("企業区分", max_length=10)
    # where it is, for the distance to experts and as the first value of a dispatch's place; in no exchange file
    latitude = PlainDecimalField("緯度", null=True, blank=True)
    longitude = PlainDecimalField("経度", null=True, blank=True)
    # none for a client that came with a file or that the office registered
    registered_by = models.ForeignKey(
        Institution,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="registered_companies",
        verbose_name="登録した機関",
    )
    created_at = models.DateTimeField("登録日時", auto_now_add=True, db_default=Now())
    updated_at = models.DateTimeField("更新日時", auto_now=True, db_default=Now())

    objects = CompanyQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "支援先"
        ordering = ["code"]
        indexes = [
            GinIndex(OpClass(Upper("name"), name="gin_trgm_ops"), name="dispatch_company_part"),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


class DispatchQuerySet(models.QuerySet["Dispatch"]):
    def visible_to(self, user: "User") -> Self:
        """Everything for those of the office who work on dispatches; own ones for experts and institutions."""
        match reach(user, "read", self.model):
            case Reach.ALL:
                return self.all()
            case Reach.OWN if user.role == Role.EXPERT:
                return self.filter(expert__user=user)
            case Reach.OWN:
                # not through a join: an institution has several people
                return self.filter(institution__in=Member.objects.filter(user=user).values("institution"))
        return self.none()


class Dispatch(models.Model):
    """派遣: one visit of one expert at one client."""

    number = CodeField("派遣番号", unique=True)
    institution = models.ForeignKey(
        Institution, models.PROTECT, related_name="dispatches", verbose_name="機関"
    )
    expert = models.ForeignKey(Expert, models.PROTECT, related_name="dispatches", verbose_name="専門家")
    company = models.ForeignKey(Company, models.PROTECT, related_name="dispatches", verbose_name="支援先")
    status = models.CharField("状態", max_length=10, choices=Status, default=Status.DRAFT)
    # since when it stands there, by a step of people; None for what was loaded so
    status_since = models.DateTimeField("状態になった日時", null=True, blank=True)
    topic = models.CharField("経営課題", max_length=100)
    method = models.CharField("実施方式", max_length=4)
    web_approved = models.BooleanField("WEB事前承認", default=False)
    place = models.CharField("支援場所", max_length=500, blank=True)
    latitude = PlainDecimalField("緯度", null=True, blank=True)
    longitude = PlainDecimalField("経度", null=True, blank=True)
    planned_from = models.DateTimeField("予定開始")
    planned_to = models.DateTimeField("予定終了")
    visited_from = models.DateTimeField("実施開始", null=True, blank=True)
    visited_to = models.DateTimeField("実施終了", null=True, blank=True)
    # where 実施開始 and 実施終了 come from; new check events may move what they themselves proposed
    visit_basis = models.CharField(
        "実施時刻の出所", max_length=10, choices=VisitBasis, blank=True, db_default=""
    )
    break_minutes = models.PositiveIntegerField("休憩分", null=True, blank=True)
    accompanied = models.BooleanField("同行", default=False)
    accompanied_from = models.DateTimeField("同行開始", null=True, blank=True)
    accompanied_to = models.DateTimeField("同行終了", null=True, blank=True)
    # who of the institution went along; not in the exchange files
    accompanied_by = models.CharField("同行者", max_length=200, blank=True, default="", db_default="")
    no_accompaniment_reason = models.TextField("同行無の理由", blank=True)
    requested_by_expert = models.BooleanField("専門家からの要請", default=False)
    paid_by_institution = models.BooleanField("機関からの給与謝金", default=False)
    limit_exception = models.BooleanField("上限例外承認", default=False)
    report = models.TextField("支援内容", blank=True)
    reported_at = models.DateTimeField("報告日時", null=True, blank=True)
    attested_at = models.DateTimeField("従事証明日時", null=True, blank=True)
    approved_at = models.DateTimeField("機関承認日時", null=True, blank=True)
    end_reason = models.TextField("取消理由", blank=True)
    itinerary = CodeField("行程番号", blank=True)
    office_decision = models.CharField("事務局判断", max_length=10, blank=True)
    office_decision_reason = models.TextField("事務局判断理由", blank=True)
    # what institution and expert read of an exclusion; the reason beside it is the office's own note. Not in the files
    decision_told = models.TextField("機関と専門家へ伝える理由", blank=True, default="", db_default="")
    created_at = models.DateTimeField("登録日時", auto_now_add=True, db_default=Now())
    updated_at = models.DateTimeField("更新日時", auto_now=True, db_default=Now())

    objects = DispatchQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "派遣"
        ordering = ["number"]
        indexes = [
            models.Index(fields=["expert", "visited_from"], name="dispatch_expert_visit"),
            models.Index(fields=["company", "visited_from"], name="dispatch_company_visit"),
            models.Index(fields=["institution", "visited_from"], name="dispatch_institution_visit"),
            # the order of an institution's own list
            models.Index(fields=["institution", "-planned_from", "number"], name="dispatch_institution_plan"),
            models.Index(fields=["visited_from", "number"], name="dispatch_visit"),
            # the order of the office's list, and parts of numbers in its search
            models.Index(fields=["-planned_from", "number"], name="dispatch_plan"),
            GinIndex(OpClass(Upper("number"), name="gin_trgm_ops"), name="dispatch_number_part"),
            models.Index(
                fields=["status", "visited_from"],
                name="dispatch_open",
                condition=~models.Q(status__in=["scheduled", "paid", "cancelled", "declined"]),
            ),
            # what the office may verify next, the longest waiting first: a page of it is read in this order
            models.Index(
                fields=["approved_at", "number"],
                name="dispatch_to_verify",
                condition=models.Q(status=Status.APPROVED),
            ),
            models.Index(
                fields=["expert", "itinerary"], name="dispatch_itinerary", condition=~models.Q(itinerary="")
            ),
        ]
        constraints = [
            models.CheckConstraint(
                name="dispatch_status_known", condition=models.Q(status__in=Status.values)
            ),
            models.CheckConstraint(
                name="dispatch_method_known", condition=models.Q(method__in=list(codes.METHODS))
            ),
            models.CheckConstraint(
                name="dispatch_visit_ends_after_start",
                condition=models.Q(visited_from__isnull=True, visited_to__isnull=True)
                | models.Q(visited_to__gt=models.F("visited_from")),
            ),
        ]

    def __str__(self) -> str:
        return self.number


class OfDispatchQuerySet(models.QuerySet[Any]):
    """Rows that belong to a dispatch and are seen with it, as far as the matrix lets a role see them."""

    def visible_to(self, user: "User") -> Self:
        """Everything for those of the office who work on dispatches; those of own dispatches for others."""
        match reach(user, "read", self.model):
            case Reach.ALL:
                return self.all()
            case Reach.OWN:
                return self.filter(dispatch__in=Dispatch.objects.visible_to(user))
        return self.none()


class StatusChange(models.Model):
    """One step of a dispatch, written by the database when the status changes."""

    dispatch = models.ForeignKey(Dispatch, models.PROTECT, related_name="status_changes", verbose_name="派遣")
    at = models.DateTimeField("日時", db_default=Now())
    action = models.CharField("操作", max_length=30)
    from_status = models.CharField("前", max_length=10, choices=Status)
    to_status = models.CharField("後", max_length=10, choices=Status)
    actor_id = models.BigIntegerField("操作者ID", null=True)
    actor_name = models.TextField("操作者", blank=True)
    reason = models.TextField("理由", blank=True)

    objects = OfDispatchQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "状態の履歴"
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.get_from_status_display()} → {self.get_to_status_display()}"


class CheckEvent(models.Model):
    """A check-in or check-out as the phone sent it. Append-only: evidence is never overwritten."""

    event_id = CodeField("イベントID", unique=True)
    dispatch = models.ForeignKey(Dispatch, models.PROTECT, related_name="check_events", verbose_name="派遣")
    kind = models.CharField("種別", max_length=2)
    device_time = models.DateTimeField("端末時刻")
    latitude = PlainDecimalField("緯度", null=True, blank=True)
    longitude = PlainDecimalField("経度", null=True, blank=True)
    accuracy = PlainDecimalField("精度m", null=True, blank=True)
    signer_name = models.CharField("署名者氏名", max_length=200, blank=True)
    received_at = models.DateTimeField("受信日時", db_default=Now())

    objects = OfDispatchQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "チェックイン・アウト"
        ordering = ["device_time", "event_id"]
        constraints = [
            models.CheckConstraint(
                name="dispatch_checkevent_kind_known", condition=models.Q(kind__in=list(codes.EVENT_KINDS))
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.event_id}"


class Declaration(models.Model):
    """申告書（支援実施証明兼再発防止誓約書）: one per cause."""

    dispatch = models.ForeignKey(Dispatch, models.PROTECT, related_name="declarations", verbose_name="派遣")
    cause = models.CharField("事由", max_length=10)
    declared_from = models.DateTimeField("申告開始", null=True, blank=True)
    declared_to = models.DateTimeField("申告終了", null=True, blank=True)
    submitted_at = models.DateTimeField("提出日時")
    reason = models.TextField("理由")
    # what the files don't know; what was loaded has none
    measures = models.TextField("再発防止策", blank=True, default="", db_default="")

    objects = OfDispatchQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "申告書"
        ordering = ["dispatch", "cause"]
        constraints = [
            models.UniqueConstraint(fields=["dispatch", "cause"], name="dispatch_declaration_unique"),
            models.CheckConstraint(
                name="dispatch_declaration_cause_known",
                condition=models.Q(cause__in=list(codes.DECLARATION_CAUSES)),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.dispatch} {self.cause}"


class TravelLine(models.Model):
    """One line of the travel claim: what was claimed, and what the office accepted on checking."""

    dispatch = models.ForeignKey(Dispatch, models.PROTECT, related_name="travel_lines", verbose_name="派遣")
    line_no = models.PositiveIntegerField("行番号")
    day = models.DateField("利用日")
    kind = models.CharField("種別", max_length=10)
    origin = models.CharField("出発地", max_length=200, blank=True)
    destination = models.CharField("到着地", max_length=200, blank=True)
    km = PlainDecimalField("距離km", null=True, blank=True)
    fare = models.BigIntegerField("運賃", null=True, blank=True)
    express = models.BigIntegerField("特急料金", null=True, blank=True)
    reserved = models.BigIntegerField("指定席料金", null=True, blank=True)
    roundtrip_fare = models.BigIntegerField("往復割引運賃", null=True, blank=True)
    ordinary_fare = models.BigIntegerField("通常運賃", null=True, blank=True)
    claimed = models.BigIntegerField("請求額")
    receipt = models.BooleanField("領収書", default=False)
    stub = models.BooleanField("半券", default=False)
    seat = models.CharField("座席", max_length=10, blank=True)
    no_public_transport = models.BooleanField("公共交通機関なし", default=False)
    fast_boat = models.BooleanField("高速船", default=False)
    parallel_route = models.BooleanField("並行航路", default=False)
    lodging_kind = models.CharField("宿泊種別", max_length=10, blank=True)
    accepted_km = PlainDecimalField("認定距離km", null=True, blank=True)
    accepted_yen = models.BigIntegerField("認定額", null=True, blank=True)
    reason = models.TextField("必要理由", blank=True)

    objects = OfDispatchQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "旅費請求"
        ordering = ["dispatch", "line_no"]
        constraints = [
            models.UniqueConstraint(fields=["dispatch", "line_no"], name="dispatch_travelline_unique"),
            models.CheckConstraint(
                name="dispatch_travelline_kind_known", condition=models.Q(kind__in=list(codes.TRAVEL_KINDS))
            ),
            models.CheckConstraint(
                name="dispatch_travelline_claimed_in_range",
                condition=models.Q(claimed__gte=0, claimed__lte=9_999_999_999),
            ),
        ]
        indexes = [
            # large claims that nobody has decided about, of a few hundred thousand lines
            models.Index(
                fields=["claimed", "dispatch"],
                name="dispatch_travel_undecided",
                condition=models.Q(accepted_km=None, accepted_yen=None),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.dispatch} {self.line_no}"


class Assessment(models.Model):
    """How a dispatch not yet paid stood at the last check: its class, its codes, what it would be paid."""

    class Kind(models.TextChoices):
        PAYABLE = "支払可", "支払可"
        HOLD = "保留", "保留"
        INELIGIBLE = "対象外", "対象外"
        INCOMPLETE = "未了", "未了"

    dispatch = models.OneToOneField(Dispatch, models.CASCADE, related_name="assessment", verbose_name="派遣")
    month = models.DateField("対象月")
    kind = models.CharField("区分", max_length=5, choices=Kind)
    codes = ArrayField(models.TextField(), verbose_name="コード", default=list)
    fee = models.BigIntegerField("謝金", default=0)
    travel = models.BigIntegerField("旅費", default=0)
    checked_at = models.DateTimeField("確認日時")

    objects = OfDispatchQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "確認結果"
        indexes = [models.Index(fields=["month", "kind"], name="dispatch_assessment_month")]

    def __str__(self) -> str:
        return f"{self.dispatch} {self.kind}"


# Findings whose text is the office's own note (M01, X06); and those about the expert's bank account.
NOTED_BY_OFFICE = ("M01", "X06")
OF_BANK = "B"


class FindingQuerySet(OfDispatchQuerySet):
    """Findings, seen with their dispatch: the office's own notes by the office alone, bank accounts by no institution.

    That there is such a finding everybody concerned is told (dispatch.finding_reads).
    """

    def visible_to(self, user: "User") -> Self:
        """Everything for the office; of own dispatches for others."""
        found = super().visible_to(user)
        if reach(user, "read", self.model) is Reach.OWN:
            found = found.exclude(code__in=NOTED_BY_OFFICE)
            if user.role.startswith("institution"):
                found = found.exclude(code__startswith=OF_BANK)
        return found


class Finding(models.Model):
    """確認事項: what stands in the way of paying a dispatch (rules.md §5), as of the last check."""

    dispatch = models.ForeignKey(Dispatch, models.CASCADE, related_name="findings", verbose_name="派遣")
    code = CodeField("コード", max_length=3)
    kind = models.CharField("区分", max_length=3)
    reason = models.TextField("理由")
    expected = models.TextField("期待", blank=True)
    actual = models.TextField("実際", blank=True)
    first_seen_at = models.DateTimeField("検出日時", db_default=Now())

    objects = FindingQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "確認事項"
        ordering = ["dispatch", "kind", "code"]
        constraints = [models.UniqueConstraint(fields=["dispatch", "code"], name="dispatch_finding_unique")]
        indexes = [models.Index(fields=["code"], name="dispatch_finding_code")]

    def __str__(self) -> str:
        return f"{self.dispatch} {self.code}"
