"""Banks and branches, loaded from a dated master (exchange.md §3)."""

from django.db import models

from core.database.fields import CodeField


class Master(models.Model):
    """Which edition of the master was loaded when."""

    edition = CodeField("版", unique=True)
    as_of = models.DateField("基準日")
    loaded_at = models.DateTimeField("読込日時", auto_now_add=True)

    class Meta:
        verbose_name = verbose_name_plural = "金融機関マスタの版"
        ordering = ["-as_of"]

    def __str__(self) -> str:
        return self.edition


class Bank(models.Model):
    """A bank of the newest master."""

    code = CodeField("銀行コード", max_length=4, unique=True)
    name = models.CharField("銀行名", max_length=100)
    kana = models.CharField("銀行名カナ", max_length=100)

    class Meta:
        verbose_name = verbose_name_plural = "銀行"
        ordering = ["code"]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


class Branch(models.Model):
    """A branch of a bank of the newest master."""

    bank = models.ForeignKey(Bank, models.CASCADE, related_name="branches", verbose_name="銀行")
    code = CodeField("支店コード", max_length=3)
    name = models.CharField("支店名", max_length=100)
    kana = models.CharField("支店名カナ", max_length=100)

    class Meta:
        verbose_name = verbose_name_plural = "支店"
        ordering = ["bank__code", "code"]
        constraints = [models.UniqueConstraint(fields=["bank", "code"], name="banks_branch_unique")]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"
