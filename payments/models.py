"""The payer, the monthly runs, what each pays to whom and why (rules.md §4, design.md §4)."""

from typing import TYPE_CHECKING, Any, Self

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from accounts.rights import Reach, reach
from core.database.fields import CodeField, EncryptedTextField, sealed_only
from core.programme.models import RuleSet
from dispatch.models import Dispatch
from experts.models import Expert

if TYPE_CHECKING:
    from accounts.models import User

FEE = "謝金"
PER_DIEM = "日当"


class RunQuerySet(models.QuerySet["PayoutRun"]):
    def visible_to(self, user: "User") -> Self:
        """For those of the office who work on payments."""
        return self.all() if reach(user, "read", self.model) is Reach.ALL else self.none()


class OfRunQuerySet(models.QuerySet[Any]):
    """The payer, and rows that belong to a run and are seen with it."""

    def visible_to(self, user: "User") -> Self:
        """Everything for those of the office who work on payments; an expert sees own money of approved runs."""
        match reach(user, "read", self.model):
            case Reach.ALL:
                return self.all()
            case Reach.OWN:
                return self.filter(expert__user=user).exclude(run__status__in=["draft", "computed"])
        return self.none()


class Payer(models.Model):
    """委託者: on whose behalf and from which account is paid."""

    code = CodeField("委託者コード", max_length=10, unique=True)
    kana = models.CharField("委託者名カナ", max_length=100)
    name = models.CharField("名称", max_length=200)
    address = models.CharField("住所", max_length=500)
    phone = models.CharField("電話番号", max_length=50, blank=True)
    corporate_number = CodeField("法人番号", max_length=13, blank=True)
    invoice_number = CodeField("登録番号", max_length=14, blank=True)
    bank_code = CodeField("銀行コード", max_length=4)
    branch_code = CodeField("支店コード", max_length=3)
    account_type = models.CharField("預金種目", max_length=2)
    account_number = EncryptedTextField("口座番号")
    created_at = models.DateTimeField("登録日時", auto_now_add=True, db_default=Now())
    updated_at = models.DateTimeField("更新日時", auto_now=True, db_default=Now())

    objects = OfRunQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "委託者"
        ordering = ["code"]
        constraints = [sealed_only("payments_payer", "account_number")]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


class PayoutRun(models.Model):
    """月次支払: one run of a month. From approval on the database refuses every change of it and its rows."""

    class Status(models.TextChoices):
        DRAFT = "draft", "下書き"
        COMPUTED = "computed", "計算済"
        APPROVED = "approved", "承認済"
        EXPORTED = "exported", "出力済"
        TRANSFERRED = "transferred", "振込済"
        CLOSED = "closed", "完了"

    month = models.DateField("対象月")
    ordinal = models.PositiveSmallIntegerField("回")
    name = CodeField("名称", max_length=12, unique=True)
    status = models.CharField("状態", max_length=12, choices=Status, default=Status.DRAFT)
    cutoff = models.DateTimeField("締切")
    pay_date = models.DateField("支払日")
    maker = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="作成者"
    )
    approver = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="承認者",
    )
    payer = models.ForeignKey(Payer, models.PROTECT, verbose_name="委託者")
    # the payer as of approval, its account number sealed; the bank file and the notices use this copy
    payer_copy = models.JSONField("委託者の写し", null=True, blank=True)
    dispatch_count = models.PositiveIntegerField("派遣件数", default=0)
    payee_count = models.PositiveIntegerField("支払人数", default=0)
    fee = models.BigIntegerField("謝金", default=0)
    travel = models.BigIntegerField("旅費", default=0)
    gross = models.BigIntegerField("支払総額", default=0)
    withholding = models.BigIntegerField("源泉徴収額", default=0)
    net = models.BigIntegerField("振込額", default=0)
    consumption_tax = models.BigIntegerField("うち消費税", default=0)
    # pg_current_snapshot() of the calculation and a digest of its result: approval checks that nothing moved since
    snapshot = models.TextField("計算時点", blank=True)
    digest = CodeField("計算結果の要約", blank=True)
    created_at = models.DateTimeField("作成日時", db_default=Now())
    computed_at = models.DateTimeField("計算日時", null=True, blank=True)
    approved_at = models.DateTimeField("承認日時", null=True, blank=True)
    exported_at = models.DateTimeField("出力日時", null=True, blank=True)
    transferred_at = models.DateTimeField("振込日時", null=True, blank=True)
    closed_at = models.DateTimeField("完了日時", null=True, blank=True)

    objects = RunQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "月次支払"
        ordering = ["-month", "-ordinal"]
        constraints = [
            models.UniqueConstraint(fields=["month", "ordinal"], name="payments_run_month_ordinal"),
            # one run at a time is being prepared: two drafts would claim the same dispatches
            models.UniqueConstraint(
                models.Value(1),
                name="payments_run_one_open",
                condition=models.Q(status__in=["draft", "computed"]),
            ),
            models.CheckConstraint(
                name="payments_run_maker_is_not_approver",
                condition=models.Q(approver__isnull=True) | ~models.Q(approver=models.F("maker")),
            ),
            models.CheckConstraint(
                name="payments_run_approved_by_somebody",
                condition=models.Q(status__in=["draft", "computed"])
                | models.Q(approver__isnull=False, approved_at__isnull=False, payer_copy__isnull=False),
            ),
            models.CheckConstraint(
                name="payments_run_net", condition=models.Q(net=models.F("gross") - models.F("withholding"))
            ),
        ]

    def __str__(self) -> str:
        return self.name


class RunRuleSet(models.Model):
    """Which rule sets a run was calculated with; those of an approved run can't be edited any more."""

    run = models.ForeignKey(PayoutRun, models.CASCADE, related_name="rule_sets")
    rule_set = models.ForeignKey(RuleSet, models.PROTECT, related_name="+")

    objects = OfRunQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "rule_set"], name="payments_runruleset_unique")]


class Payout(models.Model):
    """支払: one expert's money of one run, with a copy of who and which account."""

    run = models.ForeignKey(PayoutRun, models.CASCADE, related_name="payouts", verbose_name="月次支払")
    expert = models.ForeignKey(Expert, models.PROTECT, related_name="payouts", verbose_name="専門家")
    expert_code = CodeField("専門家コード")
    name = models.CharField("氏名", max_length=200)
    address = models.CharField("住所", max_length=500)
    payee_class = models.CharField("源泉区分", max_length=10)
    invoice_number = CodeField("適格請求書番号", max_length=14, blank=True)
    bank_code = CodeField("銀行コード", max_length=4)
    branch_code = CodeField("支店コード", max_length=3)
    bank_kana = models.CharField("銀行名カナ", max_length=100, blank=True)
    branch_kana = models.CharField("支店名カナ", max_length=100, blank=True)
    bank_name = models.CharField("銀行名", max_length=100, blank=True)
    branch_name = models.CharField("支店名", max_length=100, blank=True)
    account_type = models.CharField("預金種目", max_length=2)
    account_number = EncryptedTextField("口座番号")
    account_holder_kana = EncryptedTextField("口座名義カナ")
    dispatch_count = models.PositiveIntegerField("件数")
    fee = models.BigIntegerField("謝金")
    travel = models.BigIntegerField("旅費")
    gross = models.BigIntegerField("支払総額")
    withholding = models.BigIntegerField("源泉徴収額")
    net = models.BigIntegerField("振込額")
    consumption_tax = models.BigIntegerField("うち消費税")

    objects = OfRunQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "支払"
        ordering = ["expert_code"]
        constraints = [
            models.UniqueConstraint(fields=["run", "expert"], name="payments_payout_once_per_run"),
            sealed_only("payments_payout", "account_number", "account_holder_kana"),
            models.CheckConstraint(
                name="payments_payout_sums",
                condition=models.Q(gross=models.F("fee") + models.F("travel"))
                & models.Q(net=models.F("gross") - models.F("withholding"))
                & models.Q(fee__gte=0, travel__gte=0, withholding__gte=0, net__gte=0, consumption_tax__gte=0),
            ),
        ]
        indexes = [models.Index(fields=["run", "expert_code"], name="payments_payout_order")]

    def __str__(self) -> str:
        return f"{self.expert_code} {self.name}"


class PayoutLine(models.Model):
    """支払明細: one amount for one dispatch, explained."""

    run = models.ForeignKey(PayoutRun, models.CASCADE, related_name="lines", verbose_name="月次支払")
    payout = models.ForeignKey(Payout, models.CASCADE, related_name="lines", verbose_name="支払")
    dispatch = models.ForeignKey(Dispatch, models.PROTECT, related_name="payout_lines", verbose_name="派遣")
    expert = models.ForeignKey(Expert, models.PROTECT, related_name="+", verbose_name="専門家")
    item = models.CharField("費目", max_length=10)
    # the travel claim's line; 0 for the fee, the per diem and the summed car lines
    line_no = models.PositiveIntegerField("行番号", default=0)
    day = models.DateField("実施日")
    amount = models.BigIntegerField("金額")
    explanation = models.TextField("説明")
    # on the fee line, from approval on: the client as it was called then, for the notice
    client_name = models.CharField("支援先", max_length=200, blank=True, default="", db_default="")

    objects = OfRunQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "支払明細"
        ordering = ["dispatch__number", "item", "line_no"]
        constraints = [
            # over all runs, whatever their state: a dispatch is paid once
            models.UniqueConstraint(
                fields=["dispatch"], condition=models.Q(item=FEE), name="payments_line_one_fee_per_dispatch"
            ),
            models.UniqueConstraint(
                fields=["expert", "day"],
                condition=models.Q(item=PER_DIEM),
                name="payments_line_one_per_diem_per_day",
            ),
            models.UniqueConstraint(fields=["dispatch", "item", "line_no"], name="payments_line_once"),
            models.CheckConstraint(name="payments_line_not_negative", condition=models.Q(amount__gte=0)),
        ]

    def __str__(self) -> str:
        return f"{self.dispatch} {self.item}"


class RunHold(models.Model):
    """What the run left out, and why: the finding as it stood when the run was calculated."""

    run = models.ForeignKey(PayoutRun, models.CASCADE, related_name="holds", verbose_name="月次支払")
    dispatch = models.ForeignKey(Dispatch, models.PROTECT, related_name="run_holds", verbose_name="派遣")
    kind = models.CharField("区分", max_length=3)
    code = CodeField("コード", max_length=3)
    reason = models.TextField("理由")
    expected = models.TextField("期待", blank=True)
    actual = models.TextField("実際", blank=True)

    objects = OfRunQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "保留の記録"
        ordering = ["dispatch__number", "kind", "code"]
        constraints = [
            models.UniqueConstraint(fields=["run", "dispatch", "code"], name="payments_hold_unique")
        ]

    def __str__(self) -> str:
        return f"{self.dispatch} {self.code}"


class RunFile(models.Model):
    """A file of an exported run: its name, size and SHA-256. The content can be made again from the frozen rows."""

    run = models.ForeignKey(PayoutRun, models.PROTECT, related_name="files", verbose_name="月次支払")
    name = models.CharField("ファイル名", max_length=200)
    size = models.BigIntegerField("大きさ（バイト）")
    sha256 = CodeField("SHA-256", max_length=64)

    objects = OfRunQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "出力ファイル"
        ordering = ["run", "name"]
        constraints = [models.UniqueConstraint(fields=["run", "name"], name="payments_runfile_unique")]

    def __str__(self) -> str:
        return self.name


class RunDownload(models.Model):
    """Somebody took a file of a run, or all of them as one ZIP."""

    run = models.ForeignKey(PayoutRun, models.PROTECT, related_name="downloads", verbose_name="月次支払")
    name = models.CharField("ファイル名", max_length=200)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name="利用者"
    )
    at = models.DateTimeField("日時", db_default=Now())

    objects = OfRunQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "ダウンロードの記録"
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.name} {self.user}"
