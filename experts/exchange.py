"""experts.csv (exchange.md §1)."""

from core.exchange.cells import Choice, Code, Number, Sealed, Several, Text, YesNo
from core.exchange.registry import Column, Identifier, Table, register
from core.japan.prefectures import BY_CODE
from rules import codes

from .models import Expert

EXPERTS = register(
    Table(
        name="experts",
        order=3,
        model=Expert,
        key=("専門家コード",),
        columns=(
            Column("専門家コード", Identifier(), "code", required=True),
            Column("氏名", Text(200), "name", required=True),
            Column("氏名カナ", Text(200), "kana", required=True),
            Column(
                "都道府県コード",
                Choice(tuple(BY_CODE), "01 から 47 までの都道府県コードではありません。"),
                "prefecture_code",
                required=True,
            ),
            Column("住所", Text(500), "address", required=True),
            Column("電話番号", Text(50), "phone"),
            Column("メールアドレス", Text(254), "email", required=True),
            Column("推薦機関コード", Code(), "recommended_by_id", required=True, refers="institutions"),
            Column("登録要件", Choice(codes.REGISTRATION_GROUNDS), "requirement", required=True),
            Column("保有資格", Several(Text(200)), "qualifications"),
            Column("専門分野", Several(Text(200)), "topics"),
            Column("得意業種", Several(Choice(codes.INDUSTRY_CODES)), "industries"),
            Column("活動拠点緯度", Number(-90, 90), "base_latitude"),
            Column("活動拠点経度", Number(-180, 180), "base_longitude"),
            # Codes that the bank master lacks are taken and become findings (rules.md §5 B01).
            Column("銀行コード", Code(20), "bank_code", required=True),
            Column("支店コード", Code(20), "branch_code", required=True),
            Column("預金種目", Choice(codes.ACCOUNT_KINDS), "account_type", required=True),
            Column(
                "口座番号",
                Sealed(Code(7, "[0-9]{1,7}", "1〜7 桁の数字にしてください。"), covered=True),
                "account_number",
                required=True,
            ),
            Column("口座名義カナ", Sealed(Text(2000)), "account_holder_kana", required=True),
            Column("源泉区分", Choice(codes.PAYEE_CLASSES), "payee_class", required=True),
            Column(
                "適格請求書番号", Code(14, "T[0-9]{13}", "T と 13 桁の数字にしてください。"), "invoice_number"
            ),
            Column("所属機関コード", Several(Code()), "affiliated_codes", refers="institutions"),
            Column("人件費補助", YesNo(), "subsidised_labour"),
        ),
    )
)
