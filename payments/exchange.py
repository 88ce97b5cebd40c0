"""payer.csv (exchange.md §1), and what an approved run freezes (§2)."""

from core.exchange.cells import Choice, Code, Sealed, Text
from core.exchange.registry import Column, Freeze, Identifier, Table, freeze, register
from rules import codes

from .models import Payer

PAYER = register(
    Table(
        name="payer",
        order=1,
        model=Payer,
        key=("委託者コード",),
        columns=(
            Column("委託者コード", Identifier(10), "code", required=True),
            Column("委託者名カナ", Text(100), "kana", required=True),
            Column("名称", Text(200), "name", required=True),
            Column("住所", Text(500), "address", required=True),
            Column("電話番号", Text(50), "phone"),
            Column("法人番号", Code(13, "[0-9]{13}", "13 桁の数字にしてください。"), "corporate_number"),
            Column("登録番号", Code(14, "T[0-9]{13}", "T と 13 桁の数字にしてください。"), "invoice_number"),
            # The bank file's header needs them; there is no finding for the payer's own account.
            Column(
                "銀行コード", Code(4, "[0-9]{4}", "4 桁の数字にしてください。"), "bank_code", required=True
            ),
            Column(
                "支店コード", Code(3, "[0-9]{3}", "3 桁の数字にしてください。"), "branch_code", required=True
            ),
            Column("預金種目", Choice(codes.ACCOUNT_KINDS), "account_type", required=True),
            Column(
                "口座番号",
                Sealed(Code(7, "[0-9]{1,7}", "1〜7 桁の数字にしてください。"), covered=True),
                "account_number",
                required=True,
            ),
        ),
    )
)

freeze(
    Freeze(
        table="dispatches",
        sql="""SELECT l.dispatch_id AS id, '承認済みの月次支払 ' || min(r.name) AS why
  FROM payments_payoutline l JOIN payments_payoutrun r ON r.id = l.run_id
 WHERE r.status NOT IN ('draft', 'computed') GROUP BY 1""",
        lock="payments_payoutrun",
    )
)
